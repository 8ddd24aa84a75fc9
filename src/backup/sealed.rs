//! JSON files that carry their own hash in the last line, so that one flipped bit anywhere in them is found:
//!
//! ```text
//! {
//! "content":{...},
//! "sha256":"<of everything above this line>"}
//! ```

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::account::Digest;

/// What reading a sealed file gives. Damage does not stop the reading: what can be read is handed out, marked.
pub enum Opened<T> {
    Whole(T),
    /// The hash does not fit, but the content could be read.
    Damaged(T),
    Unreadable,
}

/// # Errors
/// Only when `content` cannot be written as JSON.
pub fn seal(content: &impl Serialize) -> serde_json::Result<Vec<u8>> {
    let mut bytes = b"{\n\"content\":".to_vec();
    serde_json::to_writer(&mut bytes, content)?;
    bytes.extend_from_slice(b",\n");
    let seal = last_line(&bytes);
    bytes.extend_from_slice(seal.as_bytes());
    Ok(bytes)
}

pub fn open<T: DeserializeOwned>(bytes: &[u8]) -> Opened<T> {
    #[derive(serde::Deserialize)]
    struct Shell<T> {
        content: T,
    }
    let end = bytes.iter().rposition(|&octet| octet == b'\n').and_then(|last| {
        // The last line ends in a line feed of its own.
        bytes.get(..last)?.iter().rposition(|&octet| octet == b'\n')
    });
    let whole = end.is_some_and(|end| {
        let (above, last) = bytes.split_at(end + 1);
        last == last_line(above).as_bytes()
    });
    match (serde_json::from_slice::<Shell<T>>(bytes), whole) {
        (Ok(shell), true) => Opened::Whole(shell.content),
        (Ok(shell), false) => Opened::Damaged(shell.content),
        (Err(_), _) => Opened::Unreadable,
    }
}

fn last_line(above: &[u8]) -> String {
    format!("\"sha256\":\"{}\"}}\n", Digest::of(above))
}

#[cfg(test)]
mod tests {
    use super::{Opened, open, seal};

    #[test]
    fn every_flipped_bit_is_seen() {
        let sealed = seal(&vec!["Ahoj".to_owned(), "{}\"\n".to_owned()]).unwrap();
        assert!(matches!(open::<Vec<String>>(&sealed), Opened::Whole(content) if content.len() == 2));
        for at in 0..sealed.len() {
            for bit in 0..8 {
                let mut flipped = sealed.clone();
                flipped[at] ^= 1 << bit;
                assert!(!matches!(open::<Vec<String>>(&flipped), Opened::Whole(_)), "bit {bit} of octet {at}");
            }
        }
        for length in 0..sealed.len() {
            assert!(!matches!(open::<Vec<String>>(&sealed[..length]), Opened::Whole(_)), "cut at {length}");
        }
    }
}
