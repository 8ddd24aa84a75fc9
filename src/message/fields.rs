//! The header section cut into fields (RFC 5322 sections 2.2 and 3.5): names and folded values as slices of the
//! original, without decoding anything.
//!
//! Survives line ends of LF, CRLF and CR alone, leading empty lines, an mbox "From " line, junk lines between fields, and
//! a header that runs into the body with no empty line between.

/// The octets of one header field that are looked at; what is longer is cut there.
pub(super) const LONGEST_FIELD: usize = 64 * 1024;

/// The fields that are kept; more than this no honest mail has.
const MOST_FIELDS: usize = 5_000;

/// One header field, as it stands in the original.
#[derive(Clone, Copy, Debug)]
pub(super) struct Field<'a> {
    pub name: &'a [u8],
    /// Folded, with the line ends inside; without the last one.
    pub value: &'a [u8],
}

/// How lines end: CR alone counts only where there is no LF at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LineEnds {
    Lf,
    CrOnly,
}

impl LineEnds {
    pub fn of(original: &[u8]) -> LineEnds {
        if original.contains(&b'\n') || !original.contains(&b'\r') { LineEnds::Lf } else { LineEnds::CrOnly }
    }

    /// The first line of `rest` without its end, and what follows that end.
    pub fn split(self, rest: &[u8]) -> (&[u8], &[u8]) {
        let end = match self {
            LineEnds::Lf => b'\n',
            LineEnds::CrOnly => b'\r',
        };
        let Some(at) = memchr::memchr(end, rest) else { return (rest, &[]) };
        let (line, with_end) = rest.split_at_checked(at).unwrap_or((rest, &[]));
        let after = with_end.get(1..).unwrap_or_default();
        (line.strip_suffix(b"\r").unwrap_or(line), after)
    }
}

/// The header section of a message or of a part.
#[derive(Clone, Debug, Default)]
pub(super) struct Section<'a> {
    fields: Vec<Field<'a>>,
}

impl<'a> Section<'a> {
    /// The value of the first field called `name` (in lower case).
    pub fn first(&self, name: &str) -> Option<&'a [u8]> {
        self.fields.iter().find(|field| field.name.eq_ignore_ascii_case(name.as_bytes())).map(|field| field.value)
    }

    /// The values of all fields called `name` (in lower case), from the top.
    pub fn all<'s>(&'s self, name: &'s str) -> impl Iterator<Item = &'a [u8]> + 's {
        self.fields
            .iter()
            .filter(move |field| field.name.eq_ignore_ascii_case(name.as_bytes()))
            .map(|field| field.value)
    }

    /// Every field, from the top.
    pub fn fields(&self) -> &[Field<'a>] {
        &self.fields
    }

    pub fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }
}

/// What stands before the header section: leading empty lines and the line that mbox files put between messages.
pub(super) fn skip_preamble(original: &[u8], ends: LineEnds) -> &[u8] {
    let mut rest = original.strip_prefix(b"\xef\xbb\xbf").unwrap_or(original);
    // Empty lines, and lines of nothing but blanks.
    loop {
        let (line, after) = ends.split(rest);
        if rest.is_empty() || !line.trim_ascii().is_empty() {
            break;
        }
        rest = after;
    }
    if rest.starts_with(b"From ") || rest.starts_with(b">From ") {
        rest = ends.split(rest).1;
    }
    rest
}

/// Reads the header section at the beginning of `rest`; returns it with what follows, the body.
pub(super) fn section(mut rest: &[u8], ends: LineEnds) -> (Section<'_>, &[u8]) {
    let mut fields = Vec::new();
    while !rest.is_empty() {
        let (line, after) = ends.split(rest);
        if line.is_empty() {
            return (Section { fields }, after);
        }
        // A boundary, where a part has a header but no empty line.
        if line.starts_with(b"--") {
            return (Section { fields }, rest);
        }
        let Some((name, _)) = split_field(line) else {
            if fields.is_empty() || !goes_on(after, ends) {
                return (Section { fields }, rest);
            }
            rest = after;
            continue;
        };
        let (unfolded, after) = with_continuations(rest, ends);
        if let Some((_, value)) = split_field(unfolded)
            && fields.len() < MOST_FIELDS
        {
            fields.push(Field { name, value: value.get(..LONGEST_FIELD).unwrap_or(value) });
        }
        rest = after;
    }
    (Section { fields }, rest)
}

/// `line` as field name and value; `None` when it is no header field.
pub(super) fn split_field(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let colon = line.iter().position(|&octet| octet == b':')?;
    let (name, value) = line.split_at_checked(colon)?;
    let name = name.trim_ascii_end();
    let valid = !name.is_empty() && name.iter().all(|octet| octet.is_ascii_graphic());
    valid.then(|| (name, value.get(1..).unwrap_or_default()))
}

/// Whether the header section goes on behind a line that is no field: the next line is a field.
fn goes_on(after: &[u8], ends: LineEnds) -> bool {
    let (next, _) = ends.split(after);
    split_field(next).is_some()
}

/// The first line of `rest` together with the lines that continue it, and what follows.
fn with_continuations(rest: &[u8], ends: LineEnds) -> (&[u8], &[u8]) {
    let (mut line, mut after) = ends.split(rest);
    while matches!(after.first(), Some(b' ' | b'\t')) {
        let (more, next) = ends.split(after);
        // A line of nothing but blanks ends the header for some programs; as a continuation it adds nothing.
        let length = rest.len().saturating_sub(after.len()).saturating_add(more.len());
        line = rest.get(..length).unwrap_or(line);
        after = next;
    }
    (line, after)
}
