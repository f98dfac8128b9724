//! Server-sent events, as far as chat completions use them: events of one `data` line, and comments.

/// What came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Event {
    /// The text of a comment.
    Comment(String),
    /// The data of an event.
    Data(String),
}

/// Most bytes of one event.
const EVENT_BYTES_MAX: usize = 1 << 20;

/// Takes bytes, gives events.
#[derive(Debug, Default)]
pub(super) struct Events {
    rest: Vec<u8>,
}

impl Events {
    /// The events that are whole now; `None` when one is too long or is no text.
    pub(super) fn read(&mut self, bytes: &[u8]) -> Option<Vec<Event>> {
        self.rest.extend_from_slice(bytes);
        let mut events = Vec::new();
        while let Some(end) = self.rest.windows(2).position(|pair| pair == b"\n\n") {
            let text: Vec<u8> = self.rest.drain(..end + 2).collect();
            let text = std::str::from_utf8(text.get(..end)?).ok()?;
            events.extend(text.lines().filter_map(event));
        }
        (self.rest.len() <= EVENT_BYTES_MAX).then_some(events)
    }
}

fn event(line: &str) -> Option<Event> {
    let after = |start: &str| line.strip_prefix(start).map(|text| text.strip_prefix(' ').unwrap_or(text).to_owned());
    after(":").map(Event::Comment).or_else(|| after("data:").map(Event::Data))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_come_whole_however_they_are_cut() {
        let text = ": purser-top-up\n\ndata: {\"a\":1}\n\n\n\ndata: [DONE]\n\nevent: x\ndata:y\n\nda";
        let whole = Events::default().read(text.as_bytes()).unwrap();
        let expected = [
            Event::Comment("purser-top-up".into()),
            Event::Data("{\"a\":1}".into()),
            Event::Data("[DONE]".into()),
            Event::Data("y".into()),
        ];
        assert_eq!(whole, expected);
        for size in 1..20 {
            let mut events = Events::default();
            let cut: Vec<_> = text.as_bytes().chunks(size).flat_map(|bytes| events.read(bytes).unwrap()).collect();
            assert_eq!(cut, expected, "{size}");
        }
        assert!(Events::default().read(&vec![b'a'; EVENT_BYTES_MAX + 1]).is_none());
        assert!(Events::default().read(b"data: \xff\n\n").is_none());
    }
}
