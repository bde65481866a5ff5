//! Server-sent events (HTML Standard 9.2), as far as a node sends them: one `event`, one `data` line, an empty line.

use concord_spec::id::Height;
use serde::Deserialize;
use std::io::{BufRead, Read};

/// Most bytes of a line.
const MAX_LINE: u64 = 65_536;

/// Why events end.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum EventsError {
    /// The node does not say more.
    Ended(String),
    /// It says what is no event.
    Strange(String),
}

#[derive(Deserialize)]
struct BlockNews {
    height: Height,
}

/// Gives the height now, then that of every event `block`, until `each` says no.
pub(super) fn read(
    now: Height,
    mut lines: impl BufRead,
    mut each: impl FnMut(Height) -> bool,
) -> Result<(), EventsError> {
    if !each(now) {
        return Ok(());
    }
    let mut is_block = false;
    loop {
        let mut line = String::new();
        let read = lines.by_ref().take(MAX_LINE).read_line(&mut line);
        let length = read.map_err(|error| EventsError::Ended(error.to_string()))?;
        if length == 0 {
            return Err(EventsError::Ended("the node ended the stream".to_owned()));
        }
        if !line.ends_with('\n') && u64::try_from(length).unwrap_or(u64::MAX) >= MAX_LINE {
            return Err(EventsError::Strange("a line of more than 64 KiB".to_owned()));
        }
        let line = line.trim_end_matches(['\n', '\r']);
        match line.split_once(':').map(|(field, value)| (field, value.trim_start())) {
            Some(("event", name)) => is_block = name == "block",
            Some(("data", data)) if is_block => {
                let news: BlockNews =
                    serde_json::from_str(data).map_err(|error| EventsError::Strange(error.to_string()))?;
                if !each(news.height) {
                    return Ok(());
                }
            }
            // Comments keep the stream open; other events and fields are not for us; an empty line ends an event.
            Some(_) => {}
            None => is_block = false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heights(text: &str) -> (Vec<u64>, Result<(), EventsError>) {
        let mut seen = Vec::new();
        let ended = read(Height(3), text.as_bytes(), |height| {
            seen.push(height.0);
            height.0 < 9
        });
        (seen, ended)
    }

    #[test]
    fn every_block_is_told_and_nothing_else() {
        let text = ":\n\nevent: block\ndata: {\"height\":4,\"records\":0}\n\nevent: record\ndata: {\"height\":5}\n\nevent:block\r\ndata:{\"height\":6}\r\n\r\n";
        let (seen, ended) = heights(text);
        assert_eq!(seen, [3, 4, 6]);
        assert!(matches!(ended, Err(EventsError::Ended(_))));
    }

    #[test]
    fn who_has_heard_enough_hears_no_more() {
        let (seen, ended) = heights("event: block\ndata: {\"height\":9}\n\nevent: block\ndata: {\"height\":10}\n\n");
        assert_eq!((seen, ended), (vec![3, 9], Ok(())));
    }

    #[test]
    fn what_is_no_event_is_strange() {
        let (_, ended) = heights("event: block\ndata: nonsense\n\n");
        assert!(matches!(ended, Err(EventsError::Strange(_))));
        let (_, ended) = heights(&"x".repeat(70_000));
        assert!(matches!(ended, Err(EventsError::Strange(_))));
    }
}
