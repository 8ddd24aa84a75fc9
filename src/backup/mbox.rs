//! Mbox, read and written as a stream: never more than one message in memory, however large the file.
//!
//! There is no one mbox format (RFC 4155 describes the family). Read here are mboxo, mboxrd, mboxcl and mboxcl2, with LF
//! or CRLF, and files that mix them.
//!
//! - **Where a message begins.** At a `From ` line as [`from_line`] tells it from a sentence that begins with "From ".
//! - **Where it ends.** At the next such line or the end of the file, less the one blank line that separates messages.
//!   Where the message has a `Content-Length` (mboxcl, mboxcl2), that many octets behind its header section, if and only
//!   if a `From ` line or the end of the file stands there, with at most two line ends between.
//! - **Quoting.** One `>` is taken from each line of `>`s followed by `From `. That is exactly what mboxrd added. mboxo
//!   quotes `From ` but not `>From `, so for a line that was `>From ` in the mail itself one `>` is lost; nothing in the
//!   file tells the two apart. mboxcl2 quotes nothing: from the first message of a known length that holds a bare `From `
//!   line on, the file is taken for one, and messages of known length stay as they are.
//!
//! Written is mboxrd: the message's own bytes with its own line ends, one `>` added where the rule above would take one
//! away, a `From ` line before and a blank line after. What this cannot hold exactly: a message that does not end in a
//! line feed (see [`Fit`]).

mod from_line;
mod reader;
#[cfg(test)]
mod tests;

use std::io::{self, Write};

use jiff::Timestamp;

pub use from_line::{is_header_field, is_mbox};
pub use reader::{Content, Reader};

/// A line of one or more `>` followed by `From `.
fn is_quoted(line: &[u8]) -> bool {
    let marks = line.iter().take_while(|&&octet| octet == b'>').count();
    marks > 0 && line.get(marks..).is_some_and(|rest| rest.starts_with(b"From "))
}

/// Whether mboxrd gives a message back exactly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fit {
    Exact,
    /// The last line has no line feed: one is added, since the next message must begin on a new line.
    FinalLineEndAdded,
}

/// Whether [`write_message`] followed by a [`Reader`] gives these bytes back.
pub fn fit(message: &[u8]) -> Fit {
    if message.is_empty() || message.ends_with(b"\n") { Fit::Exact } else { Fit::FinalLineEndAdded }
}

/// Writes one message as mboxrd. `date` goes into its `From ` line.
///
/// # Errors
/// Whatever writing gives.
pub fn write_message(output: &mut impl Write, message: &[u8], date: Timestamp) -> io::Result<Fit> {
    // The lines that the format adds end as the message's own lines do, so that an archive of mail as it came over
    // POP3 (CRLF throughout) becomes a file with one kind of line end.
    let first_end = message.iter().position(|&octet| octet == b'\n').unwrap_or(0);
    let crlf = first_end > 0 && message.get(first_end - 1) == Some(&b'\r');
    let line_end: &[u8] = if crlf { b"\r\n" } else { b"\n" };
    write!(output, "From MAILER-DAEMON {}", date.strftime("%a %b %e %H:%M:%S %Y"))?;
    output.write_all(line_end)?;
    for line in message.split_inclusive(|&octet| octet == b'\n') {
        if line.starts_with(b"From ") || is_quoted(line) {
            output.write_all(b">")?;
        }
        output.write_all(line)?;
    }
    let fit = fit(message);
    if fit == Fit::FinalLineEndAdded {
        output.write_all(line_end)?;
    }
    output.write_all(line_end)?;
    Ok(fit)
}
