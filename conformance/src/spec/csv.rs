//! The plain tables of `spec/`: a row a line, cells between commas, the last cell with whatever commas it has.

/// A table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Csv<'a> {
    /// The names of its columns.
    pub(super) head: Vec<&'a str>,
    /// Its rows, each with its line.
    pub(super) rows: Vec<(usize, Vec<&'a str>)>,
}

impl<'a> Csv<'a> {
    pub(super) fn read(text: &'a str) -> Self {
        let mut lines = text.lines().enumerate();
        let head: Vec<_> = lines.next().map(|(_, head)| head.split(',').collect()).unwrap_or_default();
        let rows = lines.filter(|(_, line)| !line.is_empty());
        let rows = rows.map(|(at, line)| (at + 1, line.splitn(head.len(), ',').collect())).collect();
        Self { head, rows }
    }

    /// The place of a column.
    pub(super) fn column(&self, name: &str) -> Option<usize> {
        self.head.iter().position(|&column| column == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_cell_keeps_its_commas() {
        let table = Csv::read("a,b\n1,two, and more\n\n3,\n");
        assert_eq!(table.head, ["a", "b"]);
        assert_eq!(table.rows, [(2, vec!["1", "two, and more"]), (4, vec!["3", ""])]);
        assert_eq!((table.column("b"), table.column("c")), (Some(1), None));
    }
}
