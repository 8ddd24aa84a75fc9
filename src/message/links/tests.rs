//! The tricks that links are known for (FAULTS 59), and that nothing but three schemes is ever opened.

use proptest::prelude::*;

use super::{LONGEST, Target, find_links, link, mail_link};

/// A target, the text over it, what it becomes, a word of its warnings.
fn opens(target: &str, text: &str, address: &str, warning: &str) {
    let Target::Open(link) = link(target, text) else { panic!("{target:?} is dead: {:?}", link(target, text)) };
    assert_eq!(link.address.as_str(), address, "{target:?}");
    assert!(link.warnings.iter().all(|said| said.ends_with('.')), "{:?}", link.warnings);
    match warning {
        "" => assert!(link.warnings.is_empty(), "{target:?}: {:?}", link.warnings),
        warning => assert!(link.warnings.iter().any(|said| said.contains(warning)), "{target:?}: {:?}", link.warnings),
    }
}

#[test]
fn honest_links_open_without_a_word() {
    for (target, text, address) in [
        ("https://example.org/a?b=c#d", "", "https://example.org/a?b=c#d"),
        ("HTTP://Example.ORG", "Read on", "http://example.org/"),
        ("www.example.org/x", "", "http://www.example.org/x"),
        (" https://example.org/\n", "example.org", "https://example.org/"),
        ("https://www.example.org/x", "https://example.org/x", "https://www.example.org/x"),
        ("https://news.example.org/x", "www.example.org", "https://news.example.org/x"),
        ("https://example.org/a b", "readme.txt", "https://example.org/a%20b"),
        ("https://example.org:443/", "", "https://example.org/"),
        ("https://example.org/line\nbreak", "", "https://example.org/linebreak"),
        ("https://bücher.example/", "", "https://xn--bcher-kva.example/"),
        ("https://пример.испытание/", "", "https://xn--e1afmkfd.xn--80akhbyknj4f/"),
        ("https://例え.テスト/", "", "https://xn--r8jz45g.xn--zckzah/"),
        ("mailto:ann@example.org", "ann@example.org", "mailto:ann@example.org"),
        (
            "mailto:a@b.example?subject=Hi%20you&cc=c@d.example&body=x%0Ay",
            "",
            "mailto:a@b.example?cc=c@d.example&subject=Hi%20you&body=x%0D%0Ay",
        ),
        ("mailto:?to=a@b.example", "", "mailto:a@b.example"),
    ] {
        opens(target, text, address, "");
    }
}

#[test]
fn tricks_are_told_before_they_open() {
    for (target, text, address, warning) in [
        (
            "https://evil.example/",
            "https://bank.example/login",
            "https://evil.example/",
            "The text says bank.example, but the link leads to evil.example",
        ),
        ("https://evil.example/", "bank.example", "https://evil.example/", "The text says bank.example"),
        (
            "https://bank.example.evil.example/",
            "www.bank.example",
            "https://bank.example.evil.example/",
            "The text says www.bank.example",
        ),
        ("https://bank.example@evil.example/", "", "https://bank.example@evil.example/", "“bank.example”"),
        ("https://bank.example:x@evil.example/", "", "https://bank.example:x@evil.example/", "user’s name"),
        ("http://192.0.2.1/", "", "http://192.0.2.1/", "a bare number on the network, 192.0.2.1."),
        ("http://0300.0.02.01/", "", "http://192.0.2.1/", "does not look like one"),
        ("http://0xC0.0x00.0x02.0x01/", "", "http://192.0.2.1/", "does not look like one"),
        ("http://3221225985/", "", "http://192.0.2.1/", "does not look like one"),
        ("http://0xC0000201/", "", "http://192.0.2.1/", "does not look like one"),
        ("http://192.513/", "", "http://192.0.2.1/", "does not look like one"),
        ("http://[2001:db8::1]/", "", "http://[2001:db8::1]/", "bare number"),
        ("http://１９２.0.2.1/", "", "http://192.0.2.1/", "does not look like one"),
        ("https://раypal.example/", "", "https://xn--ypal-43d9g.example/", "look like others"),
        (
            "https://xn--ypal-43d9g.example/",
            "",
            "https://xn--ypal-43d9g.example/",
            "Its true name is xn--ypal-43d9g.example",
        ),
        ("https://аррӏе.example/", "", "https://xn--80ak6aa92e.example/", "look like others"),
        ("https://bank.example\u{202e}/moc.elpmaxe", "", "", "direction"),
        ("https://example.org/\u{202e}fdp.exe", "", "https://example.org/%E2%80%AEfdp.exe", "direction of writing"),
        ("https://exa\u{200b}mple.org/", "", "https://example.org/", "cannot be seen"),
        (
            "https://www.bank.example.login.account.secure.session.evil.example/",
            "",
            "https://www.bank.example.login.account.secure.session.evil.example/",
            "its end: evil.example",
        ),
        ("https://example.org:8443/", "", "https://example.org:8443/", "port 8443"),
        ("https:\\\\evil.example\\a", "", "https://evil.example/a", "backslashes"),
        ("https:/\\evil.example", "", "https://evil.example/", "backslashes"),
        ("ht\ttps://evil.example", "", "https://evil.example/", "tabs or line ends"),
        ("https://evil\n.example/", "", "https://evil.example/", "tabs or line ends"),
        ("http://localhost:631/", "", "http://localhost:631/", "your own network"),
        ("http://router.lan/", "", "http://router.lan/", "your own network"),
        ("mailto:a@evil.example", "a@bank.example", "mailto:a@evil.example", "The text says a@bank.example"),
        ("mailto:a@b.example?attach=/etc/passwd", "", "mailto:a@b.example", "attached"),
        ("mailto:a@b.example?bcc=x@evil.example&from=y", "", "mailto:a@b.example", "hidden copy"),
        ("mailto:a@b.example?subject=x%0D%0ABcc:%20y", "", "mailto:a@b.example?subject=x%20Bcc%3A%20y", ""),
    ] {
        if address.is_empty() {
            assert!(matches!(link(target, text), Target::Dead { .. }), "{target:?}: {:?}", link(target, text));
        } else {
            opens(target, text, address, warning);
        }
    }
}

#[test]
fn what_must_not_open_is_dead_and_says_why() {
    let long = format!("https://example.org/{}", "a".repeat(LONGEST));
    for target in [
        "file:///etc/passwd",
        "smb://host/share",
        "\\\\host\\share",
        "//host/share",
        "ms-word:ofe|u|https://evil.example/a.doc",
        "ms-settings:privacy",
        "search-ms:query=x&crumb=location:\\\\evil.example",
        "search:x",
        "javascript:alert(1)",
        "java\tscript:alert(1)",
        "JaVaScRiPt:alert(1)",
        " \u{1}javascript:alert(1)",
        "vbscript:x",
        "data:text/html,<script>",
        "data:text/html;base64,PHNjcmlwdD4=",
        "blob:https://example.org/x",
        "x-scheme:y",
        "zoommtg://x",
        "tel:+123",
        "cid:part1",
        "-flag",
        "--help",
        "-https://example.org",
        "#top",
        "page.html",
        "/path",
        "",
        "   ",
        "https://",
        "http:///",
        "https://exa mple.org/",
        "mailto:",
        "mailto:nobody",
        "mailto:-x@b.example",
        "mailto:?subject=x",
        "ftp://example.org/",
        "view-source:https://example.org",
        "jar:https://example.org!/x",
        "intent://x#Intent;scheme=http;end",
        "shell:startup",
        "about:config",
        "https://[::1",
        "\u{feff}javascript:x",
        &long,
    ] {
        match link(target, "") {
            Target::Dead { why, shown } => {
                assert!(why.ends_with('.') && !why.is_empty(), "{target}: {why}");
                assert_eq!(super::visible_line(&shown), shown);
            }
            Target::Open(link) => panic!("{target:?} opens {}", link.address.as_str()),
        }
    }
}

#[test]
fn the_host_stands_out() {
    let Target::Open(found) = link("https://user:pw@Example.org:8080/path?q#f", "") else { panic!() };
    assert_eq!(
        (found.shown.before.as_str(), found.shown.host.as_str(), found.shown.after.as_str()),
        ("https://user:pw@", "example.org", ":8080/path?q#f")
    );
    let Target::Open(found) = link("https://bücher.example", "") else { panic!() };
    assert_eq!(found.shown.to_string(), "https://bücher.example");
}

#[test]
fn links_in_a_text_end_where_a_person_would_end_them() {
    for (text, expected) in [
        ("see https://example.org/a.", vec!["https://example.org/a"]),
        ("(https://example.org/a)", vec!["https://example.org/a"]),
        ("(see https://example.org/a_(b))", vec!["https://example.org/a_(b)"]),
        ("<https://example.org/a>", vec!["https://example.org/a"]),
        ("<URL:https://example.org/a>", vec!["https://example.org/a"]),
        ("\"https://example.org/a\", and so on", vec!["https://example.org/a"]),
        (
            "https://example.org/a?b=c&d=e, https://example.org/f!",
            vec!["https://example.org/a?b=c&d=e", "https://example.org/f"],
        ),
        ("www.example.org/x; or ann@example.org.", vec!["http://www.example.org/x", "mailto:ann@example.org"]),
        (
            "write to <ann.b+c@mail.example.org> or 'bee@example.org'",
            vec!["mailto:ann.b+c@mail.example.org", "mailto:bee@example.org"],
        ),
        ("mailto:ann@example.org", vec!["mailto:ann@example.org"]),
        ("HTTPS://EXAMPLE.ORG", vec!["HTTPS://EXAMPLE.ORG"]),
        ("写真はhttps://example.org/写真。どうぞ", Vec::new()),
        ("写真は https://example.org/写真。どうぞ", vec!["https://example.org/写真"]),
        ("*https://example.org/*", vec!["https://example.org/"]),
        ("www. and http:// and @ and a@b and www.x", Vec::new()),
        ("javascript:alert(1) file:///x", Vec::new()),
        ("nothttps://example.org", Vec::new()),
        ("a@@b.example", Vec::new()),
        ("[1]: https://example.org/[x]", vec!["https://example.org/[x]"]),
        ("https://example.org/%E2%82%AC#_a-b…", vec!["https://example.org/%E2%82%AC#_a-b"]),
    ] {
        let found = find_links(text);
        let targets: Vec<&str> = found.iter().map(|one| one.target.as_str()).collect();
        assert_eq!(targets, expected, "{text}");
        assert!(found.iter().all(|one| text.get(one.range.clone()).is_some()));
    }
}

#[test]
fn a_mail_link_of_our_own_carries_only_what_is_safe() {
    let to = ["a+b@example.org".to_owned(), "bad\r\nBcc: x@y.example".to_owned()];
    let link = mail_link(&to, &[], "Re: keys\r\n & boats", &[("In-Reply-To", "<1@b.example>")], "> é\n").unwrap();
    assert_eq!(
        link.as_str(),
        "mailto:a%2Bb@example.org?subject=Re%3A%20keys%20%26%20boats&In-Reply-To=%3C1%40b.example%3E&body=%3E%20%C3%A9%0D%0A"
    );
    assert!(mail_link(&to, &[], "x", &[], &"y".repeat(LONGEST)).is_none());
}

fn is_allowed(address: &str) -> bool {
    let scheme = ["http://", "https://", "mailto:"].iter().any(|scheme| address.starts_with(scheme));
    scheme && address.len() <= LONGEST && address.bytes().all(|octet| octet.is_ascii_graphic())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    /// No text reaches an opener with another scheme, whatever stands around it.
    #[test]
    fn only_three_schemes_are_opened(
        front in "[\\x00-\\x20\u{200b}\u{202e}\\-]{0,2}",
        scheme in "(https?|mailto|file|smb|javascript|java\tscript|data|ms-[a-z]{1,6}|search-ms|HtTpS|[a-z][a-z0-9+.-]{0,8}|)",
        mark in "(:|://|:/|:\\\\|:/\\\\|\\\\|)",
        rest in "[ -~\u{202e}\u{200b}а-яぁ-ん\t\n]{0,60}",
        text in "[ -~]{0,30}",
    ) {
        let target = format!("{front}{scheme}{mark}{rest}");
        for target in std::iter::once(target.clone()).chain(find_links(&target).into_iter().map(|found| found.target)) {
            if let Target::Open(link) = link(&target, &text) {
                prop_assert!(is_allowed(link.address.as_str()), "{:?} opens {:?}", target, link.address);
            }
        }
    }

    #[test]
    fn any_text_is_searched(text in any::<String>()) {
        for found in find_links(&text) {
            prop_assert!(text.get(found.range.clone()).is_some());
            let _ = link(&found.target, &text);
        }
    }
}
