//! Whether the messages that the server numbers are still the ones stored here: a unique-id may come to stand for another
//! message, even one of the same size (quirk 39). Their header sections tell, where the server knows TOP.

use std::collections::HashSet;

use super::FetchError;
use super::run::{blocking, giving_up};
use crate::account::MessageId;
use crate::archive::{Archive, ArchiveError, ListedMessage};
use crate::job::Cancel;
use crate::message;
use crate::transport::Connection;

/// How many header sections are asked for and compared at a time.
pub const CHUNK: usize = 100;

/// The numbers of those of these stored messages whose header section the server gives otherwise. What the server will not
/// give a header section of counts as the same: then its size alone has told.
pub async fn unlike(
    connection: &mut Connection,
    archive: &Archive,
    messages: &[(ListedMessage, MessageId)],
    cancel: &Cancel,
) -> Result<HashSet<u32>, FetchError> {
    let mut unlike = HashSet::new();
    let asked: Vec<(u32, MessageId)> = messages.iter().map(|(message, id)| (message.number, *id)).collect();
    for chunk in asked.chunks(CHUNK) {
        let numbers: Vec<u32> = chunk.iter().map(|(number, _)| *number).collect();
        let headers = headers(connection, &numbers, cancel).await?;
        let (archive, pairs) = (archive.clone(), chunk.iter().copied().zip(headers).collect::<Vec<_>>());
        unlike.extend(
            blocking(move || -> Result<Vec<u32>, ArchiveError> {
                let mut unlike = Vec::new();
                for ((number, id), header) in pairs {
                    if let Some(header) = header
                        && differs(&archive, id, &header)?
                    {
                        unlike.push(number);
                    }
                }
                Ok(unlike)
            })
            .await?,
        );
    }
    Ok(unlike)
}

/// The header sections of these messages, `None` where the server gives none. Where CAPA does not speak of TOP, the first
/// tells whether the server knows it (quirk 16).
pub async fn headers(
    connection: &mut Connection,
    numbers: &[u32],
    cancel: &Cancel,
) -> Result<Vec<Option<Vec<u8>>>, FetchError> {
    let tried = if connection.capabilities().top { 0 } else { 1 };
    let (first, rest) = numbers.split_at_checked(tried).unwrap_or((numbers, &[]));
    let mut answers = giving_up(cancel, connection.headers(first)).await?;
    if answers.iter().all(Option::is_some) {
        answers.extend(giving_up(cancel, connection.headers(rest)).await?);
    }
    answers.resize(numbers.len(), None);
    Ok(answers)
}

/// Whether our copy, if it is sound (the proof says when it is not), has another header section than the server's.
fn differs(archive: &Archive, id: MessageId, theirs: &[u8]) -> Result<bool, ArchiveError> {
    let bytes = match archive.original(id) {
        Ok(Some(bytes)) => bytes,
        Ok(None) | Err(ArchiveError::Damaged { .. } | ArchiveError::Rotten { .. }) => return Ok(false),
        Err(error) => return Err(error),
    };
    Ok(message::first_likeness(header_section(&bytes)) != message::first_likeness(header_section(theirs)))
}

/// The lines before the first empty one.
pub fn header_section(octets: &[u8]) -> &[u8] {
    let mut start = 0;
    for line in octets.split_inclusive(|octet| *octet == b'\n') {
        if matches!(line, b"\r\n" | b"\n") {
            break;
        }
        start += line.len();
    }
    octets.get(..start).unwrap_or(octets)
}

#[cfg(test)]
mod tests {
    use super::header_section;

    #[test]
    fn the_header_section_ends_before_the_first_empty_line() {
        let table: [(&[u8], &[u8]); 7] = [
            (b"A: b\r\nC: d\r\n\r\nbody\r\n\r\n", b"A: b\r\nC: d\r\n"),
            (b"A: b\n\nbody", b"A: b\n"),
            (b"A: b\r\n", b"A: b\r\n"),
            (b"A: b", b"A: b"),
            (b"\r\nbody", b""),
            (b"", b""),
            (b"A: b\r\n \r\nC: d\r\n\r\n", b"A: b\r\n \r\nC: d\r\n"),
        ];
        for (message, expected) in table {
            assert_eq!(header_section(message), expected, "{}", message.escape_ascii());
        }
    }
}
