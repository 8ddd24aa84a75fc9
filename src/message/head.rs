//! What stands over a message that is read, beyond its envelope: the sender so that it cannot lie, what the receiving server
//! says about it, when it was sent where.

use jiff::Timestamp;
use jiff::tz::Offset;

use super::authentication::{self, Authentication};
use super::fields::{LineEnds, section, skip_preamble};
use super::parameters::Structured;
use super::sender::{self, Sender};
use super::{addresses, dates, words};

/// See the module.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Head {
    pub sender: Sender,
    pub authentication: Option<Authentication>,
    /// The Date field, and how far the sender's clock is from Greenwich where it says so.
    pub sent: Option<(Timestamp, Option<Offset>)>,
}

/// Reads only the header section of `original`.
pub(super) fn head(original: &[u8]) -> Head {
    let ends = LineEnds::of(original);
    let (header, _) = section(skip_preamble(original, ends), ends);
    let content_type = header.first("content-type").map(Structured::parse).unwrap_or_default();
    let hint = content_type.plain("charset").unwrap_or_default();
    let reply_to = header.first("reply-to").map(|raw| addresses::parse(raw, hint)).unwrap_or_default();
    let sender = sender::of(&header, &reply_to, hint);
    let domain = sender.address.rsplit_once('@').map(|(_, host)| host.to_owned()).unwrap_or_default();
    let authentication = authentication::of(&header, &domain);
    let date = header.first("date").map(|raw| words::unstructured(raw, hint)).unwrap_or_default();
    Head { sender, authentication, sent: dates::parse_with_offset(&date) }
}
