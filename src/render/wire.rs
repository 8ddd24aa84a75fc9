//! What parent and worker say to each other: frames of a JSON header and raw octets behind it, each with its length
//! before it. Both sides bound what they take in.

use std::io::{self, Read, Write};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::{Laid, Part, Print, Unseen, View};

/// Raised with every change of what follows: parent and worker are one program, unless it was replaced while it ran.
pub(super) const VERSION: u32 = 3;

/// The longest header and the longest body that are taken.
const LONGEST: u32 = 256 * 1024 * 1024;

/// From the parent. The octets of HTML and pictures stand behind, in order.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Question {
    Lay {
        view: View,
        html: usize,
        pictures: Vec<(String, usize)>,
    },
    Again {
        view: View,
        pictures: Vec<(String, usize)>,
    },
    Paint(Part),
    /// The octets as those of `Lay`.
    Print {
        print: Print,
        html: usize,
        pictures: Vec<(String, usize)>,
    },
    /// The octets are those of one picture.
    Look,
}

/// From the worker.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Answer {
    /// The first frame, unasked.
    Ready { version: u32 },
    /// A question is there as a whole, and its answer comes next: whoever dies from here on dies of it.
    Begun,
    /// The graphemes of all lines stand behind, as pairs of f32, little-endian; here how many each line has.
    Laid { laid: Laid, graphemes: Vec<usize> },
    /// The pixels stand behind.
    Painted { width: u32, height: u32 },
    /// The document stands behind.
    Printed { sheets: usize, notes: Vec<String> },
    /// A picture alone that cannot be; one that can is [`Answer::Painted`].
    Unseen(Unseen),
    /// Nothing was laid out that could be painted.
    NoPage,
}

/// Writes one frame and flushes it.
pub(super) fn write(to: &mut impl Write, header: &impl Serialize, body: &[&[u8]]) -> io::Result<()> {
    let header = serde_json::to_vec(header)?;
    let length = body.iter().map(|piece| piece.len()).sum::<usize>();
    to.write_all(&size(header.len())?.to_le_bytes())?;
    to.write_all(&size(length)?.to_le_bytes())?;
    to.write_all(&header)?;
    for piece in body {
        to.write_all(piece)?;
    }
    to.flush()
}

/// Reads one frame; `None` where the other side has closed before it.
pub(super) fn read<T: DeserializeOwned>(from: &mut impl Read) -> io::Result<Option<(T, Vec<u8>)>> {
    let mut length = [0; 4];
    match from.read_exact(&mut length) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        other => other?,
    }
    let header = u32::from_le_bytes(length);
    from.read_exact(&mut length)?;
    let body = u32::from_le_bytes(length);
    let header = octets(from, header)?;
    let body = octets(from, body)?;
    Ok(Some((serde_json::from_slice(&header)?, body)))
}

fn size(length: usize) -> io::Result<u32> {
    u32::try_from(length)
        .ok()
        .filter(|length| *length <= LONGEST)
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "a frame is too long"))
}

/// Grows with what really comes, whatever was announced.
fn octets(from: &mut impl Read, length: u32) -> io::Result<Vec<u8>> {
    if length > LONGEST {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "a frame is too long"));
    }
    let mut out = Vec::new();
    from.take(length.into()).read_to_end(&mut out)?;
    if out.len() != length as usize {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(out)
}

/// The graphemes of a laid page taken out, for the body of its frame.
pub(super) fn graphemes_out(laid: &mut Laid) -> (Vec<usize>, Vec<u8>) {
    let mut counts = Vec::with_capacity(laid.lines.len());
    let mut octets = Vec::new();
    for line in &mut laid.lines {
        let graphemes = std::mem::take(&mut line.graphemes);
        counts.push(graphemes.len());
        octets.extend(graphemes.iter().flatten().flat_map(|place| place.to_le_bytes()));
    }
    (counts, octets)
}

/// And put in again; `None` where they do not fit.
pub(super) fn graphemes_in(mut laid: Laid, counts: &[usize], octets: &[u8]) -> Option<Laid> {
    let (places, rest) = octets.as_chunks::<8>();
    if !rest.is_empty() || counts.len() != laid.lines.len() {
        return None;
    }
    let mut places = places
        .iter()
        .map(|[a, b, c, d, e, f, g, h]| [f32::from_le_bytes([*a, *b, *c, *d]), f32::from_le_bytes([*e, *f, *g, *h])]);
    for (line, count) in laid.lines.iter_mut().zip(counts) {
        line.graphemes.extend(places.by_ref().take(*count));
        if line.graphemes.len() != *count {
            return None;
        }
    }
    places.next().is_none().then_some(laid)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::Line;

    #[test]
    fn a_frame_comes_back_as_it_went() {
        let mut pipe = Vec::new();
        write(&mut pipe, &Question::Paint(Part { left: 1.0, top: 2.0, width: 3.0, height: 4.0 }), &[b"ab", b"c"])
            .unwrap();
        write(&mut pipe, &Answer::Ready { version: 7 }, &[]).unwrap();
        let mut from = pipe.as_slice();
        let (question, body) = read::<Question>(&mut from).unwrap().unwrap();
        assert!(matches!(question, Question::Paint(part) if part.top == 2.0));
        assert_eq!(body, b"abc");
        assert!(matches!(read::<Answer>(&mut from).unwrap(), Some((Answer::Ready { version: 7 }, _))));
        assert!(read::<Answer>(&mut from).unwrap().is_none());
    }

    #[test]
    fn a_frame_that_lies_is_an_error() {
        let cut = [5, 0, 0, 0, 0, 0, 0, 0, b'1'];
        assert!(read::<u32>(&mut cut.as_slice()).is_err());
        assert!(read::<u32>(&mut [255_u8; 20].as_slice()).is_err());
        assert!(read::<u32>(&mut [1_u8, 0, 0, 0, 0, 0, 0, 0, b'{'].as_slice()).is_err());
    }

    #[test]
    fn graphemes_go_and_come() {
        let line = |graphemes: &[[f32; 2]]| Line { graphemes: graphemes.to_vec(), ..Line::default() };
        let laid =
            Laid { lines: vec![line(&[[1.0, 2.0], [2.0, 3.5]]), line(&[]), line(&[[9.0, 8.0]])], ..Laid::default() };
        let mut gone = laid.clone();
        let (counts, octets) = graphemes_out(&mut gone);
        assert!(gone.lines.iter().all(|line| line.graphemes.is_empty()));
        assert_eq!(graphemes_in(gone.clone(), &counts, &octets), Some(laid));
        assert_eq!(graphemes_in(gone.clone(), &counts, &octets[8..]), None);
        assert_eq!(graphemes_in(gone, &[2, 0, 0], &octets), None);
    }
}
