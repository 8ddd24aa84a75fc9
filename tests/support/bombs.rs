//! Messages and pages that are small to send and large to read (faults 52 to 55).
#![allow(dead_code)]

/// Pages, by a name.
pub fn pages() -> Vec<(&'static str, String)> {
    let misnested = "<b i>".repeat(2_000) + &"<i i>".repeat(2_000) + &"x</b>".repeat(2_000);
    let attributes: String = (0..100_000).map(|each| format!(" a{each}=1")).collect();
    let grid =
        "<div style='display:grid;grid-template-columns:repeat(1000000,1px)'><p style='grid-column:99999999'>x</div>";
    vec![
        ("40,000 div", "<div>".repeat(40_000)),
        ("lists in lists", "<ul><li>".repeat(30_000)),
        ("tables in tables", "<table><tr><td>".repeat(20_000)),
        ("misnested", misnested),
        ("100,000 attributes", format!("<p{attributes}>x</p>")),
        ("one long attribute", format!("<p class='{}'>x</p>", "a ".repeat(500_000))),
        ("1,000,000 cells", format!("<table><tr>{}</table>", "<td>".repeat(1_000_000))),
        ("colspan", "<table><tr><td colspan=65535>x<tr><td rowspan=65535>y</table>".to_owned()),
        ("grid", grid.to_owned()),
        ("10 MB of style", format!("<style>{}</style>x", "p{color:red}".repeat(850_000))),
        ("nested style", format!("<style>{}</style>x", "@media all{".repeat(50_000))),
        ("brackets", format!("<p style='width:{}'>x</p>", "(".repeat(100_000))),
        ("long word", "x".repeat(1_000_000)),
        ("line breaks", "<br>".repeat(60_000)),
        ("large", "<p style='width:99999999px;height:99999999px;font-size:9999999px'>x</p>".to_owned()),
        ("formatting in blocks", format!("{}{}", "<b><i><u><s>".repeat(20), "<p>x".repeat(20_000))),
        ("floats", "<p style='float:left;width:3px'>x".repeat(20_000)),
        (
            "selectors",
            format!("<style>{}</style>{}", "div div div div p{color:red}".repeat(2_000), "<div>".repeat(200)),
        ),
        (
            "variables",
            format!(
                "<style>{}</style><p>x",
                (0..60).map(|n| format!("p{{--a{n}:var(--a{}) var(--a{})}}", n + 1, n + 1)).collect::<String>()
            ),
        ),
        ("links", "<a href='https://a.example/'>x</a> ".repeat(30_000)),
    ]
}

/// Messages, by a name; of the size that the names say, divided by `part`.
pub fn messages(part: usize) -> Vec<(&'static str, Vec<u8>)> {
    let nested = |depth: usize, kind: &str| {
        let open = |level: usize| format!("Content-Type: {kind}; boundary=b{level}\n\n--b{level}\n");
        (0..depth).map(open).collect::<String>() + "\ntext\n"
    };
    let parts = format!("Content-Type: multipart/mixed; boundary=b\n\n{}", "--b\n\nx\n".repeat(100_000 / part));
    let recipients = format!("To: {}\n\ntext\n", "a@b.c,\n ".repeat(1_000_000 / part));
    let fields = "X-A: b\n".repeat(500_000 / part) + "\ntext\n";
    let parameters: String = (0..100_000 / part).map(|number| format!(";\n f*{number}*=%41")).collect();
    let words = format!("Subject: {}\n\ntext\n", "=?utf-8?q?a?=\n ".repeat(200_000 / part));
    let encoded = |encoding: &str, body: String| {
        format!("Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: {encoding}\n\n{body}\n")
    };
    let charset = |name: &str, body: &str| {
        format!("Content-Type: text/plain; charset={name}\n\n{}\n", body.repeat(1_000_000 / part))
    };
    let texts = vec![
        ("50 multiparts", nested(50, "multipart/mixed")),
        ("20,000 multiparts", nested(20_000, "multipart/mixed")),
        ("20,000 messages", "Content-Type: message/rfc822\n\n".repeat(20_000)),
        ("100,000 parts", parts),
        ("1,000,000 recipients", recipients),
        ("500,000 fields", fields),
        ("100,000 parameters", format!("Content-Disposition: attachment{parameters}\n\nx\n")),
        ("200,000 encoded words", words),
        ("60 MB of base64", encoded("base64", "QUFB".repeat(15_000_000 / part))),
        ("quoted-printable", encoded("quoted-printable", "=\n=41".repeat(3_000_000 / part))),
        ("UTF-7", charset("utf-7", "+AD")),
        ("ISO-2022-JP", charset("iso-2022-jp", "\x1b$B\x1b(B")),
        ("HZ", charset("hz-gb-2312", "~{~}")),
        ("unknown charset", charset("x-none", "\u{ff}")),
        ("uuencode", format!("\n{}", "begin 644 a\n#0V%T\n`\nend\n".repeat(50_000 / part))),
        ("yEnc", format!("\n{}", "=ybegin line=128 size=1 name=a\n+\n=yend size=1\n".repeat(50_000 / part))),
        ("quotations", format!("\n{}", "> ".repeat(2_000_000 / part))),
        (
            "calendar",
            format!(
                "Content-Type: text/calendar\n\nBEGIN:VCALENDAR\n{}",
                "BEGIN:VEVENT\nDTSTART:20260101T000000Z\nRRULE:FREQ=SECONDLY\n".repeat(50_000 / part)
            ),
        ),
    ];
    texts.into_iter().map(|(name, text)| (name, text.into_bytes())).collect()
}
