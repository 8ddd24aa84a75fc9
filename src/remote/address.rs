//! Which addresses may be asked: https, under a name that is public, at an address that belongs to the public internet.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use url::{Host, Url};

use super::{Refusal, Rules};

/// The longest address that is asked for.
const LONGEST: usize = 8_192;

/// Ends of names that lead into the user's own house or to no place at all (RFC 2606, RFC 6761, RFC 6762, RFC 8375,
/// RFC 9476, and what routers use).
const OWN_NAMES: &[&str] = &[
    "local",
    "localhost",
    "internal",
    "intranet",
    "private",
    "lan",
    "home",
    "corp",
    "arpa",
    "onion",
    "alt",
    "invalid",
];

/// The address that a picture may be fetched from.
pub(super) fn admitted(address: &str, rules: &Rules) -> Result<Url, Refusal> {
    if address.len() > LONGEST {
        return Err(Refusal::TooLarge);
    }
    let mut url = Url::parse(address).map_err(|_| Refusal::NotPublic)?;
    if url.scheme() != "https" {
        return Err(Refusal::NotEncrypted);
    }
    url.set_fragment(None);
    let public = match url.host() {
        Some(Host::Domain(name)) => is_public_name(name) || rules.loopback_for_tests && name == "localhost",
        Some(Host::Ipv4(address)) => rules.admit(IpAddr::V4(address)),
        Some(Host::Ipv6(address)) => rules.admit(IpAddr::V6(address)),
        None => false,
    };
    // Another port is that of another service, which has no pictures for strangers.
    let usual = url.port().is_none() || rules.loopback_for_tests;
    if public && usual { Ok(url) } else { Err(Refusal::NotPublic) }
}

impl Rules {
    /// Whether a connection may go to this address.
    pub(super) fn admit(&self, address: IpAddr) -> bool {
        is_public(address) || self.loopback_for_tests && address.is_loopback()
    }
}

/// A name without a dot, and names of one's own house, are asked for in the neighbourhood: already that would be heard.
fn is_public_name(name: &str) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase();
    name.rsplit_once('.').is_some_and(|(_, last)| !OWN_NAMES.contains(&last))
}

/// Whether an address is one of the public internet: not of this computer, of a network of one's own, of a link, of a
/// group, or kept for something else (RFC 6890 and the registries of IANA).
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    !matches!(
        address.octets(),
        [0 | 10 | 127 | 224..=255, ..]
            | [100, 64..=127, ..]
            | [169, 254, ..]
            | [172, 16..=31, ..]
            | [192, 0, 0 | 2, _]
            | [192, 88, 99, _]
            | [192, 168, ..]
            | [198, 18 | 19, ..]
            | [198, 51, 100, _]
            | [203, 0, 113, _]
    )
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let [.., a, b, c, d] = address.octets();
    let within = Ipv4Addr::new(a, b, c, d);
    match address.segments() {
        // An address of IPv4 in other clothes: mapped, and through a translator.
        [0, 0, 0, 0, 0, 0xffff, ..] | [0x64, 0xff9b, 0, 0, 0, 0, ..] => is_public_v4(within),
        // Teredo, ORCHID and the like; documentation; 6to4.
        [0x2001, 0..=0x1ff, ..] | [0x2001, 0xdb8, ..] | [0x2002, ..] | [0x3fff, 0..=0xfff, ..] => false,
        [0x2000..=0x3fff, ..] => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_of_the_public_internet() {
        for (address, expected) in [
            ("93.184.216.34", true),
            ("1.1.1.1", true),
            ("172.15.0.1", true),
            ("172.32.0.1", true),
            ("100.63.0.1", true),
            ("192.0.1.1", true),
            ("223.255.255.255", true),
            ("2606:4700::1111", true),
            ("2001:4860:4860::8888", true),
            ("::ffff:1.1.1.1", true),
            ("64:ff9b::1.1.1.1", true),
            ("0.0.0.0", false),
            ("0.1.2.3", false),
            ("10.1.2.3", false),
            ("100.64.0.1", false),
            ("127.0.0.1", false),
            ("127.255.0.9", false),
            ("169.254.169.254", false),
            ("172.16.0.1", false),
            ("172.31.255.255", false),
            ("192.0.0.8", false),
            ("192.0.2.1", false),
            ("192.168.1.1", false),
            ("198.18.0.1", false),
            ("198.51.100.1", false),
            ("203.0.113.9", false),
            ("224.0.0.1", false),
            ("239.255.255.250", false),
            ("240.0.0.1", false),
            ("255.255.255.255", false),
            ("::", false),
            ("::1", false),
            ("::10.0.0.1", false),
            ("::ffff:10.0.0.1", false),
            ("::ffff:127.0.0.1", false),
            ("::ffff:169.254.169.254", false),
            ("64:ff9b::10.0.0.1", false),
            ("64:ff9b:1::1", false),
            ("100::1", false),
            ("2001::1", false),
            ("2001:db8::1", false),
            ("2002:a00:1::1", false),
            ("3fff::1", false),
            ("5f00::1", false),
            ("fc00::1", false),
            ("fd00:ec2::254", false),
            ("fe80::1", false),
            ("fec0::1", false),
            ("ff02::1", false),
        ] {
            assert_eq!(is_public(address.parse().unwrap()), expected, "{address}");
        }
    }

    #[test]
    fn only_https_under_public_names() {
        use Refusal::{NotEncrypted, NotPublic};
        for (address, expected) in [
            ("https://shop.example/a.png?x=1", Ok("https://shop.example/a.png?x=1")),
            ("HTTPS://Shop.Example:443/a.png#part", Ok("https://shop.example/a.png")),
            ("https://ann:secret@shop.example/a.png", Ok("https://ann:secret@shop.example/a.png")),
            ("https://1.1.1.1/a.png", Ok("https://1.1.1.1/a.png")),
            ("http://shop.example/a.png", Err(NotEncrypted)),
            ("ftp://shop.example/a.png", Err(NotEncrypted)),
            ("file:///etc/passwd", Err(NotEncrypted)),
            ("data:image/png,x", Err(NotEncrypted)),
            ("https://shop.example:8443/a.png", Err(NotPublic)),
            ("https://shop.example:22/a.png", Err(NotPublic)),
            ("https://router/a.png", Err(NotPublic)),
            ("https://router./a.png", Err(NotPublic)),
            ("https://localhost/a.png", Err(NotPublic)),
            ("https://a.localhost/a.png", Err(NotPublic)),
            ("https://printer.local/a.png", Err(NotPublic)),
            ("https://printer.LOCAL./a.png", Err(NotPublic)),
            ("https://fritz.home/a.png", Err(NotPublic)),
            ("https://1.1.168.192.in-addr.arpa/", Err(NotPublic)),
            ("https://2130706433/a.png", Err(NotPublic)),
            ("https://0x7f.1/a.png", Err(NotPublic)),
            ("https://0300.0250.1.1/a.png", Err(NotPublic)),
            ("https://[::ffff:192.168.1.1]/a.png", Err(NotPublic)),
            ("https://[::1]/a.png", Err(NotPublic)),
            ("no address", Err(NotPublic)),
        ] {
            let admitted = admitted(address, &Rules::default());
            assert_eq!(admitted.as_ref().map(Url::as_str).map_err(|refusal| *refusal), expected, "{address}");
        }
        let long = format!("https://shop.example/{}", "x".repeat(9_000));
        assert_eq!(admitted(&long, &Rules::default()), Err(Refusal::TooLarge));
    }
}
