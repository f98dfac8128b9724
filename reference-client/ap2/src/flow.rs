//! Whether a basket holds what is required, each line once: a flow through a small graph.

use std::collections::VecDeque;

use crate::mandate::Requirement;

/// Whether every unit of the basket fills one requirement, and every requirement is filled.
pub(crate) fn fills(lines: &[(Box<str>, u64)], requirements: &[Requirement]) -> bool {
    let sum = |mut counts: Box<dyn Iterator<Item = u64> + '_>| counts.try_fold(0_u64, u64::checked_add);
    let bought = sum(Box::new(lines.iter().map(|(_, count)| *count)));
    let required = sum(Box::new(requirements.iter().map(|one| one.quantity)));
    match (bought, required) {
        (Some(bought), Some(required)) if bought == required => most(lines, requirements) == bought,
        _ => false,
    }
}

/// The greatest number of units that fill requirements.
fn most(lines: &[(Box<str>, u64)], requirements: &[Requirement]) -> u64 {
    // 0 is the source, then the lines, then the requirements, then the sink.
    let sink = lines.len() + requirements.len() + 1;
    let mut room = vec![vec![0_u64; sink + 1]; sink + 1];
    for (at, (item, count)) in lines.iter().enumerate() {
        room[0][1 + at] = *count;
        for (to, requirement) in requirements.iter().enumerate() {
            if requirement.items.contains(item) {
                room[1 + at][1 + lines.len() + to] = *count;
            }
        }
    }
    for (at, requirement) in requirements.iter().enumerate() {
        room[1 + lines.len() + at][sink] = requirement.quantity;
    }
    let mut flow = 0;
    while let Some(path) = path(&room, sink) {
        let width = path.windows(2).map(|step| room[step[0]][step[1]]).min().unwrap_or_default();
        for step in path.windows(2) {
            room[step[0]][step[1]] -= width;
            room[step[1]][step[0]] += width;
        }
        flow += width;
    }
    flow
}

/// A shortest way with room, from the source to the sink: as many of them suffice as there are edges times nodes.
fn path(room: &[Vec<u64>], sink: usize) -> Option<Vec<usize>> {
    let mut from = vec![None; room.len()];
    let mut next = VecDeque::from([0]);
    while let Some(at) = next.pop_front() {
        for to in 1..room.len() {
            if room[at][to] > 0 && from[to].is_none() {
                from[to] = Some(at);
                next.push_back(to);
            }
        }
    }
    let mut path = vec![sink];
    let mut at = sink;
    while at != 0 {
        at = from[at]?;
        path.push(at);
    }
    path.reverse();
    Some(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(item: &str, count: u64) -> (Box<str>, u64) {
        (item.into(), count)
    }

    fn requirement(items: &[&str], quantity: u64) -> Requirement {
        Requirement { items: items.iter().map(|&item| item.into()).collect(), quantity }
    }

    #[test]
    fn each_requirement_is_filled_and_nothing_is_left() {
        let wanted = [requirement(&["tea", "coffee"], 2), requirement(&["tea"], 1)];
        assert!(fills(&[line("tea", 3)], &wanted));
        assert!(fills(&[line("coffee", 2), line("tea", 1)], &wanted));
        assert!(fills(&[line("coffee", 1), line("tea", 2)], &wanted));
        for basket in [
            vec![line("coffee", 3)],
            vec![line("tea", 2)],
            vec![line("tea", 4)],
            vec![line("tea", 2), line("milk", 1)],
            vec![],
            vec![line("tea", u64::MAX), line("tea", 4)],
        ] {
            assert!(!fills(&basket, &wanted), "{basket:?}");
        }
    }
}
