//! The normaliser as a whole: what becomes of a page.

use super::*;
use crate::render::View;

fn body(html: &str) -> String {
    let normal = normalise(&Page { html: format!("<!DOCTYPE html>{html}"), ..Page::default() });
    let html = normal.html();
    let after = html.split_once("</head>").map(|(_, after)| after).unwrap_or_default();
    after.trim_start_matches("<body>").trim_end_matches("</html>").trim_end_matches("</body>").to_owned()
}

#[test]
fn elements_are_kept_renamed_or_gone() {
    for (html, expected) in [
        ("a<b>c</b>", "a<b>c</b>"),
        ("<o:p>x</o:p><foo>y</foo>", "<span>x</span><span>y</span>"),
        ("a<script>b</script><iframe>c</iframe><select><option>d</select>e", "ae"),
        ("<form><fieldset>x</fieldset></form>", "<div><div>x</div></div>"),
        ("<!--[if mso]><p>no</p><![endif]--><![if !mso]>yes<![endif]>", "yes"),
        ("<a href='http://x.example/' onclick=y target=z>x</a>", "<a href=\"link:0\">x</a>"),
        (
            "<a href='javascript:x'>x</a><a href='#top'>y</a><a name=z>z</a>",
            "<a href=\"link:\">x</a><a href=\"link:\">y</a><a>z</a>",
        ),
        ("<img src='http://x.example/a' alt='a picture'>", "<pk-img remote=\"0\">a picture</pk-img>"),
        ("<img src='http://x.example/a' alt='a tracker' width=1 height=1>", "<pk-img pk=\"0\" remote=\"0\"></pk-img>"),
        ("a\u{202e}b", "ab"),
        (
            "\u{1f600}",
            "<pk-emoji style=\"font-family:&quot;Noto Color Emoji&quot;,&quot;Apple Color Emoji&quot;,&quot;Segoe UI Emoji&quot;!important;font-style:normal;\">\u{1f600}</pk-emoji>",
        ),
    ] {
        assert_eq!(body(html), expected, "{html}");
    }
}

#[test]
fn old_attributes_weigh_nothing() {
    let html = "<!DOCTYPE html><style>td{padding:9px}</style><table cellpadding=3 width=100 bgcolor=#abc align=center><tr><td width='50%' valign=top nowrap>x</table>";
    let normal = normalise(&Page { html: html.to_owned(), ..Page::default() });
    let [hints, own] = normal.styles.as_slice() else { panic!("{:?}", normal.styles) };
    assert_eq!(own, "td{padding:9px;}");
    for expected in [
        "width:100px;",
        "background-color:#aabbcc;",
        "margin-left:auto;",
        "padding:3px;width:50%;vertical-align:top;white-space:nowrap;",
    ] {
        assert!(hints.contains(expected), "{expected}: {hints}");
    }
    assert!(hints.starts_with(":where([pk=\"0\"]){"), "{hints}");
}

#[test]
fn what_is_deeper_than_the_bound_stands_beside() {
    let normal = normalise(&Page { html: "<div>".repeat(5_000) + "x", view: View::default(), ..Page::default() });
    let mut depth = 0_usize;
    for piece in &normal.pieces {
        match piece {
            Piece::Open { .. } => depth += 1,
            Piece::Close => depth -= 1,
            Piece::Text(_) => (),
        }
        assert!(depth <= DEEPEST + 1);
    }
    assert_eq!(depth, 0);
    assert!(normal.pieces.contains(&Piece::Text("x".to_owned())));
    assert_eq!(normal.notes.len(), 1);
}

#[test]
fn without_a_doctype_letters_give_no_height_to_pictures() {
    let low = |html: &str, doctype: &str| {
        normalise(&Page { html: format!("{doctype}{html}"), ..Page::default() })
            .html()
            .contains("font-size:0;line-height:0")
    };
    for (html, quirks) in [
        ("<table><tr><td><a href=x> <img src=x> </a></table>", true),
        ("<div style='color:red'><img src=x><img src=x></div>", true),
        ("<table><tr><td><img src=x>x</table>", false),
        ("<table><tr><td><img src=x>&nbsp;</table>", false),
        ("<table><tr><td> </table>", false),
    ] {
        assert_eq!((low(html, ""), low(html, "<!DOCTYPE html>")), (quirks, false), "{html}");
    }
}

#[test]
fn without_a_doctype_a_table_takes_no_size_of_letters_from_its_page() {
    let resets = |doctype: &str| {
        let html = format!("{doctype}<body style='font-size:9px'><table><tr><td>x</table>");
        normalise(&Page { html, ..Page::default() }).styles.iter().any(|style| style.contains("line-height:initial"))
    };
    assert!(resets("") && !resets("<!DOCTYPE html>"));
}
