//! Where pictures come from: the message itself, or elsewhere. What is at hand gets a number; what is not is counted.

use std::collections::HashMap;

use data_url::DataUrl;
use url::Url;

use super::super::picture::picture_size;
use super::super::{Blocked, Given, MOST_PICTURES, MOST_PIXELS, RemotePicture};

/// The pictures of a page while it is read.
pub(super) struct Sources<'a> {
    given: HashMap<String, &'a [u8]>,
    numbers: HashMap<String, Option<usize>>,
    remote: HashMap<String, usize>,
    pixels: u64,
    /// The octets of each picture that is shown, by its number.
    pub shown: Vec<Vec<u8>>,
    pub blocked: Blocked,
    /// Pictures over the bounds.
    pub too_many: bool,
}

/// What stands for a picture in the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source {
    /// The number of a picture that is shown.
    Shown(usize),
    /// The place of a remote picture in [`Blocked::pictures`].
    Remote(usize),
    /// Nothing that could be shown.
    Nothing,
}

/// What is known of how a picture is seen.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Seen {
    pub width: Option<f32>,
    pub height: Option<f32>,
    pub hidden: bool,
}

impl<'a> Sources<'a> {
    pub fn new(given: &'a [Given]) -> Sources<'a> {
        Sources {
            given: given.iter().map(|each| (key(&each.address), each.octets.as_slice())).collect(),
            numbers: HashMap::new(),
            remote: HashMap::new(),
            pixels: 0,
            shown: Vec::new(),
            blocked: Blocked::default(),
            too_many: false,
        }
    }

    /// The picture of an element.
    pub fn picture(&mut self, address: &str, seen: Seen) -> Source {
        let address = trimmed(address);
        if address.is_empty() {
            return Source::Nothing;
        }
        if let Some(number) = self.at_hand(&address) {
            return Source::Shown(number);
        }
        match remote(&address) {
            Some(address) => {
                let tracker = looks_like_tracker(&address, seen);
                let next = self.blocked.pictures.len();
                let place = *self.remote.entry(address.clone()).or_insert(next);
                match self.blocked.pictures.get_mut(place) {
                    // Shown large somewhere: a picture after all.
                    Some(known) => known.tracker &= tracker,
                    None if next < 2_000 => {
                        self.blocked.pictures.push(RemotePicture { address, area: None, tracker });
                    }
                    None => (),
                }
                Source::Remote(place)
            }
            None => {
                self.blocked.broken += 1;
                Source::Nothing
            }
        }
    }

    pub fn is_tracker(&self, place: usize) -> bool {
        self.blocked.pictures.get(place).is_some_and(|picture| picture.tracker)
    }

    /// A picture behind text: only one of the message itself.
    pub fn background(&mut self, address: &str) -> Option<usize> {
        let address = trimmed(address);
        if let Some(address) = remote(&address) {
            // Given ones were fetched for elements; behind text they cost nothing more.
            let number = self.at_hand(&address);
            self.blocked.backgrounds += usize::from(number.is_none());
            return number;
        }
        self.at_hand(&address)
    }

    fn at_hand(&mut self, address: &str) -> Option<usize> {
        let key = key(address);
        if let Some(number) = self.numbers.get(&key) {
            return *number;
        }
        let octets = match self.given.get(&key) {
            Some(octets) => Some(octets.to_vec()),
            None if key.starts_with("data:") => data(address),
            None => return None,
        };
        let number = octets.and_then(|octets| self.admit(octets));
        self.numbers.insert(key, number);
        number
    }

    /// Takes a picture in where its header is that of a format shown here, and it is within the bounds.
    fn admit(&mut self, octets: Vec<u8>) -> Option<usize> {
        let (width, height) = picture_size(&octets)?;
        let pixels = u64::from(width) * u64::from(height);
        if self.shown.len() >= MOST_PICTURES || self.pixels.saturating_add(pixels) > MOST_PIXELS {
            self.too_many = true;
            return None;
        }
        self.pixels += pixels;
        self.shown.push(octets);
        Some(self.shown.len() - 1)
    }
}

fn trimmed(address: &str) -> String {
    address.trim().chars().filter(|each| !matches!(each, '\n' | '\r' | '\t')).collect()
}

/// Two ways of writing one address: a Content-ID is compared decoded and in lower case.
fn key(address: &str) -> String {
    match address.get(..4).filter(|scheme| scheme.eq_ignore_ascii_case("cid:")) {
        Some(_) => {
            let id = address.get(4..).unwrap_or_default();
            let decoded: String = percent_decoded(id);
            format!("cid:{}", decoded.trim_matches(['<', '>', ' ']).to_lowercase())
        }
        None => trimmed(address),
    }
}

fn percent_decoded(text: &str) -> String {
    let mut out = Vec::new();
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        let escaped = match (first, after) {
            (b'%', [high, low, ..]) => char::from(*high).to_digit(16).zip(char::from(*low).to_digit(16)),
            _ => None,
        };
        match escaped {
            Some((high, low)) => {
                out.push(u8::try_from(high * 16 + low).unwrap_or(b'?'));
                rest = after.get(2..).unwrap_or_default();
            }
            None => {
                out.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// The address of a remote picture as it would be fetched: absolute, http or https.
fn remote(address: &str) -> Option<String> {
    let absolute = if address.starts_with("//") { format!("https:{address}") } else { address.to_owned() };
    let scheme = absolute.get(..absolute.find(':')?)?;
    if !scheme.eq_ignore_ascii_case("http") && !scheme.eq_ignore_ascii_case("https") {
        return None;
    }
    Url::parse(&absolute).ok().filter(Url::has_host).map(|_| absolute)
}

fn data(address: &str) -> Option<Vec<u8>> {
    DataUrl::process(address).ok()?.decode_to_vec().ok().map(|(octets, _)| octets)
}

/// Whether an address has a shape that is known from counting who reads.
pub fn is_tracker(address: &str) -> bool {
    looks_like_tracker(address, Seen::default())
}

/// Tiny, hidden, or of a shape known from counting who reads.
fn looks_like_tracker(address: &str, seen: Seen) -> bool {
    let tiny = |side: Option<f32>| side.is_some_and(|side| side <= 2.0);
    if seen.hidden || tiny(seen.width) || tiny(seen.height) {
        return true;
    }
    let Ok(url) = Url::parse(address) else { return false };
    let host = url.host_str().unwrap_or_default().to_ascii_lowercase();
    let path = url.path().to_ascii_lowercase();
    const HOSTS: &[&str] = &[
        "emltrk.com",
        "google-analytics.com",
        "mailtrack.io",
        "yesware.com",
        "bananatag.com",
        "cirrusinsight.com",
        "tracking.getnotify.com",
        "pixel.",
        "beacon.",
        "openrate.",
        "readnotify.com",
        "superhuman.com",
        "mixmax.com",
    ];
    const PATHS: &[&str] = &[
        "/wf/open",
        "/track/open",
        "/trk/open",
        "/open.aspx",
        "/open.php",
        "/open.gif",
        "/o.gif",
        "/pixel.gif",
        "/pixel.png",
        "/beacon.gif",
        "/t.gif",
        "/1x1",
        "/spacer_track",
        "/e/o/",
        "/ss/o/",
        "/email/open",
        "/mail/open",
        "/imp?",
        "/track.php",
        "/tracking/open",
        "/open/log",
        "/q/_oht",
        "/px.gif",
        "/blank.gif?",
    ];
    let whole = match url.query() {
        Some(query) => format!("{path}?{}", query.to_ascii_lowercase()),
        None => path,
    };
    HOSTS.iter().any(|known| {
        host == *known || host.ends_with(&format!(".{known}")) || known.ends_with('.') && host.starts_with(known)
    }) || host == "www.facebook.com" && whole.starts_with("/tr")
        || PATHS.iter().any(|known| whole.contains(known))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PIXEL: &str = "data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7";

    #[test]
    fn a_picture_is_shown_blocked_or_broken() {
        let gif = data(PIXEL).unwrap();
        let given = [
            Given { address: "cid:Logo@x".to_owned(), octets: gif.clone() },
            Given { address: "https://x.example/a.png".to_owned(), octets: gif },
            Given { address: "cid:text".to_owned(), octets: b"<html>".to_vec() },
        ];
        let mut sources = Sources::new(&given);
        for (address, expected) in [
            ("cid:logo@X", Source::Shown(0)),
            ("CID:logo%40x", Source::Shown(0)),
            ("https://x.example/a.png", Source::Shown(1)),
            (PIXEL, Source::Shown(2)),
            ("cid:text", Source::Nothing),
            ("cid:none", Source::Nothing),
            ("data:text/html,<b>", Source::Nothing),
            ("data:image/svg+xml,<svg/>", Source::Nothing),
            ("http://y.example/b.png", Source::Remote(0)),
            ("//y.example/c.png", Source::Remote(1)),
            (" http://y.exa\nmple/b.png ", Source::Remote(0)),
            ("file:///etc/passwd", Source::Nothing),
            ("\\\\host\\share", Source::Nothing),
            ("images/a.png", Source::Nothing),
            ("http://", Source::Nothing),
            ("javascript:x", Source::Nothing),
            ("", Source::Nothing),
        ] {
            assert_eq!(sources.picture(address, Seen::default()), expected, "{address}");
        }
        assert_eq!(sources.blocked.pictures.len(), 2);
        assert_eq!(sources.blocked.broken, 9);
    }

    #[test]
    fn trackers_are_told_by_size_and_shape() {
        let sized = |side| Seen { width: Some(side), height: Some(side), hidden: false };
        for (address, seen, expected) in [
            ("https://x.example/a.png", Seen::default(), false),
            ("https://x.example/a.png", sized(1.0), true),
            ("https://x.example/a.png", sized(0.0), true),
            ("https://x.example/a.png", sized(20.0), false),
            ("https://x.example/a.png", Seen { hidden: true, ..Seen::default() }, true),
            ("https://u1.ct.sendgrid.net/wf/open?upn=x", Seen::default(), true),
            ("https://list-manage.example/track/open.php?u=1", Seen::default(), true),
            ("https://www.facebook.com/tr?id=1", Seen::default(), true),
            ("https://t.emltrk.com/x", Seen::default(), true),
            ("https://x.example/opening-hours.png", Seen::default(), false),
        ] {
            assert_eq!(looks_like_tracker(address, seen), expected, "{address} {seen:?}");
        }
    }
}
