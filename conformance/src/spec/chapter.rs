//! Chapters as blocks: paragraphs, rows of tables, what is fenced.

/// What a block is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind<'a> {
    /// Lines of prose that stand together.
    Text,
    /// One line that stands by itself: a heading, a row of a table, a marker.
    Line,
    /// What stands between fences, by the line that opens them, such as `~~~cddl`.
    Fenced(&'a str),
}

/// A piece of a chapter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Block<'a> {
    /// The line on which it begins, from 1; of what is fenced, the first inside.
    pub(super) line: usize,
    pub(super) kind: Kind<'a>,
    /// Its bytes, as they stand in the chapter.
    pub(super) text: &'a str,
}

/// The blocks of a chapter, in order; blank lines are left out.
pub(super) fn blocks(chapter: &str) -> Vec<Block<'_>> {
    let mut blocks: Vec<Block<'_>> = Vec::new();
    let mut lines = lines(chapter).peekable();
    let mut open = false;
    while let Some((line, start, text)) = lines.next() {
        if let Some(fence) = fence(text) {
            let inside = start + text.len();
            let mut end = chapter.len();
            for (_, at, text) in lines.by_ref() {
                if text.trim_end() == fence {
                    end = at;
                    break;
                }
            }
            blocks.push(Block { line: line + 1, kind: Kind::Fenced(text.trim_end()), text: &chapter[inside..end] });
            open = false;
            continue;
        }
        if text.trim().is_empty() {
            open = false;
            continue;
        }
        let alone = text.starts_with(['#', '|']) || text.starts_with("<!--");
        let end = start + text.len();
        match blocks.last_mut() {
            Some(block) if open && !alone => block.text = &chapter[offset(chapter, block.text)..end],
            _ => {
                let kind = if alone { Kind::Line } else { Kind::Text };
                blocks.push(Block { line, kind, text: &chapter[start..end] });
            }
        }
        open = !alone;
    }
    blocks
}

/// The sentences of a block, each on one line, with the lines on which they begin.
pub(super) fn sentences(block: Block<'_>) -> Vec<(usize, String)> {
    let mut sentences = vec![(block.line, String::new())];
    for (line, text) in block.text.lines().enumerate() {
        for word in text.split_whitespace() {
            let count = sentences.len();
            let (begun, sentence) = &mut sentences[count - 1];
            if sentence.is_empty() {
                *begun = block.line + line;
            } else {
                sentence.push(' ');
            }
            sentence.push_str(word);
            if word.ends_with(['.', '?', '!']) {
                sentences.push((block.line + line, String::new()));
            }
        }
    }
    sentences.retain(|(_, sentence)| !sentence.is_empty());
    sentences
}

/// The key words of BCP 14 in a text. A `NOT` behind one belongs to it.
pub(super) fn key_words(text: &str) -> Vec<&str> {
    const WORDS: [&str; 7] = ["MUST", "SHALL", "SHOULD", "MAY", "REQUIRED", "RECOMMENDED", "OPTIONAL"];
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    text.split(|c| !is_word(c)).filter(|word| WORDS.contains(word)).collect()
}

/// Every line with its number and the offset at which it begins.
fn lines(chapter: &str) -> impl Iterator<Item = (usize, usize, &str)> {
    let mut at = 0;
    chapter.split_inclusive('\n').enumerate().map(move |(line, text)| {
        let start = at;
        at += text.len();
        (line + 1, start, text)
    })
}

fn fence(line: &str) -> Option<&'static str> {
    ["~~~", "```"].into_iter().find(|fence| line.starts_with(fence))
}

fn offset(whole: &str, part: &str) -> usize {
    (part.as_ptr() as usize).saturating_sub(whole.as_ptr() as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chapter_falls_into_its_blocks() {
        let chapter =
            "# Head\nprose\non two lines\n\n| a |\n| b |\n~~~cddl\nx = 1\n\ny = 2\n~~~\nafter\n<!-- mark -->\nend";
        let seen: Vec<_> =
            blocks(chapter).into_iter().map(|block| (block.line, block.kind, block.text.trim_end())).collect();
        let expected = [
            (1, Kind::Line, "# Head"),
            (2, Kind::Text, "prose\non two lines"),
            (5, Kind::Line, "| a |"),
            (6, Kind::Line, "| b |"),
            (8, Kind::Fenced("~~~cddl"), "x = 1\n\ny = 2"),
            (12, Kind::Text, "after"),
            (13, Kind::Line, "<!-- mark -->"),
            (14, Kind::Text, "end"),
        ];
        assert_eq!(seen, expected);
    }

    #[test]
    fn sentences_know_their_lines() {
        let text = "One is\nhere. Two\nfollows. Three";
        let block = Block { line: 5, kind: Kind::Text, text };
        let expected = [(5, "One is here."), (6, "Two follows."), (7, "Three")];
        assert_eq!(sentences(block), expected.map(|(line, text)| (line, text.to_owned())));
    }

    #[test]
    fn key_words_are_upper_case_words() {
        assert_eq!(key_words("A reader MUST NOT, and MAY; must, MUSTARD, A_MUST."), ["MUST", "MAY"]);
    }
}
