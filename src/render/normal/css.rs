//! Styles let through by what is known of them: properties, functions, at-rules. Written anew from their tokens, so that
//! nothing is in the result that was not understood. No address stays: a picture at hand becomes its number.

use std::fmt::Write as _;

use cssparser::color::{parse_hash_color, parse_named_color};
use cssparser::{Delimiter, ParseError, Parser, ToCss, Token};

use super::colour::{self, Colour, Role};

/// Octets of style that a page may have.
pub(super) const MOST_STYLE: usize = 512 * 1024;

/// What a style is written for.
pub(super) struct Filter<'a> {
    /// The number of the picture at an address, where it is at hand; what is not is counted there.
    pub picture: &'a mut dyn FnMut(&str) -> Option<usize>,
    pub recolour: bool,
    /// Lengths without a unit are pixels, as in documents without a doctype.
    pub quirks: bool,
    /// Whether a style for dark windows was seen.
    pub dark_style: bool,
    /// At-rules that would have loaded something.
    pub refused: usize,
}

type Refused = ParseError<()>;

impl Filter<'_> {
    /// A style sheet.
    pub fn sheet(&mut self, css: &str) -> String {
        let mut out = String::new();
        self.rules(&mut Parser::new(css), &mut out, 0);
        out
    }

    /// The content of a style attribute.
    pub fn declarations(&mut self, css: &str) -> String {
        let mut out = String::new();
        self.block(&mut Parser::new(css), &mut out);
        out
    }

    fn rules(&mut self, parser: &mut Parser<'_>, out: &mut String, depth: usize) {
        loop {
            let before = parser.state();
            let Ok(token) = parser.next().cloned() else { return };
            match token {
                Token::CDO | Token::CDC | Token::Semicolon => (),
                Token::AtKeyword(name) => self.at_rule(parser, &name.to_ascii_lowercase(), out, depth),
                _ => {
                    parser.reset(&before);
                    self.style_rule(parser, out);
                }
            }
        }
    }

    fn at_rule(&mut self, parser: &mut Parser<'_>, name: &str, out: &mut String, depth: usize) {
        let prelude = parser.parse_until_before(Delimiter::CurlyBracketBlock | Delimiter::Semicolon, |parser| {
            let mut prelude = String::new();
            let sound = self.prelude(parser, &mut prelude, false);
            Ok::<_, Refused>(sound.then_some(prelude))
        });
        self.refused += usize::from(matches!(name, "import" | "font-face"));
        let Ok(Token::CurlyBracketBlock) = parser.next() else { return };
        let understood = matches!(name, "media" | "supports") && depth < 8;
        match prelude {
            Ok(Some(prelude)) if understood => {
                let mut inner = String::new();
                let _ = parser.parse_nested_block(|parser| {
                    self.rules(parser, &mut inner, depth + 1);
                    Ok::<_, Refused>(())
                });
                let lower = prelude.to_ascii_lowercase();
                let prelude = prelude.trim();
                if lower.contains("prefers-color-scheme") && lower.contains("dark") && !inner.is_empty() {
                    self.dark_style = true;
                }
                let _ = write!(out, "@{name} {prelude}{{{inner}}}");
            }
            _ => {
                let _ = parser.parse_nested_block(|parser| {
                    while parser.next().is_ok() {}
                    Ok::<_, Refused>(())
                });
            }
        }
    }

    fn style_rule(&mut self, parser: &mut Parser<'_>, out: &mut String) {
        let selectors = parser.parse_until_before(Delimiter::CurlyBracketBlock, |parser| {
            let selectors = parser.parse_comma_separated_ignoring_errors(|parser| {
                let mut selector = String::new();
                let sound = self.prelude(parser, &mut selector, true) && !selector.trim().is_empty();
                if sound { Ok(selector.trim().to_owned()) } else { Err(parser.new_error_for_next_token::<()>()) }
            });
            Ok::<_, Refused>(selectors)
        });
        let Ok(Token::CurlyBracketBlock) = parser.next() else { return };
        let mut block = String::new();
        let _ = parser.parse_nested_block(|parser| {
            self.block(parser, &mut block);
            Ok::<_, Refused>(())
        });
        // Of a list only those that were understood; `:visited` in it is usual, and matches nothing.
        if let Ok(selectors) = selectors
            && !selectors.is_empty()
            && !block.is_empty()
        {
            let _ = write!(out, "{}{{{block}}}", selectors.join(","));
        }
    }

    /// A selector or a media query. A picture that was blocked is an element of another name: `img` names both.
    fn prelude(&mut self, parser: &mut Parser<'_>, out: &mut String, selector: bool) -> bool {
        let mut after_mark = false;
        while let Ok(token) = parser.next_including_whitespace().cloned() {
            let mut mark = false;
            match &token {
                Token::Ident(name) if selector && !after_mark && name.eq_ignore_ascii_case("img") => {
                    out.push_str(":is(img,pk-img)");
                }
                Token::Ident(name) if selector && after_mark && is_refused_selector(name) => return false,
                Token::Function(name) if is_refused_selector(name) || name.eq_ignore_ascii_case("url") => return false,
                Token::UnquotedUrl(_) | Token::BadUrl(_) | Token::BadString(_) => return false,
                Token::SquareBracketBlock | Token::ParenthesisBlock | Token::Function(_) => {
                    let inner_selector = selector && !matches!(token, Token::SquareBracketBlock);
                    let _ = token.to_css(out);
                    let sound =
                        parser.parse_nested_block(|parser| Ok::<_, Refused>(self.prelude(parser, out, inner_selector)));
                    if sound != Ok(true) {
                        return false;
                    }
                    out.push(if matches!(token, Token::SquareBracketBlock) { ']' } else { ')' });
                }
                Token::CurlyBracketBlock
                | Token::CloseCurlyBracket
                | Token::CloseParenthesis
                | Token::CloseSquareBracket => return false,
                Token::Delim('<') if selector => return false,
                Token::WhiteSpace(_) => out.push(' '),
                Token::Colon | Token::Delim('.') => {
                    mark = true;
                    let _ = token.to_css(out);
                }
                _ => {
                    let _ = token.to_css(out);
                }
            }
            after_mark = mark;
        }
        true
    }

    fn block(&mut self, parser: &mut Parser<'_>, out: &mut String) {
        let start = out.len();
        self.block_as_written(parser, out);
        // A float as wide as everything has nothing beside it: the engine would put what follows under it.
        let block = out.get(start..).unwrap_or_default();
        if block.contains("float:") && block.contains("width:100%") && !block.contains("max-width:100%") {
            let without = block.replace("float:left", "float:none").replace("float:right", "float:none");
            out.replace_range(start.., &without);
        }
    }

    fn block_as_written(&mut self, parser: &mut Parser<'_>, out: &mut String) {
        loop {
            match parser.next().cloned() {
                Err(_) => return,
                Ok(Token::Semicolon) => (),
                Ok(Token::Ident(name)) => {
                    let name = name.to_ascii_lowercase();
                    let value = parser.parse_until_before(Delimiter::Semicolon, |parser| {
                        parser.expect_colon().map_err(ParseError::from)?;
                        let mut value = String::new();
                        let sound = self.value(parser, &name, &mut value, 0);
                        Ok::<_, Refused>(sound.then_some(value))
                    });
                    let value = value.ok().flatten();
                    if let Some(value) = value.filter(|value| is_known(&name) && !value.trim().is_empty()) {
                        declare(out, &name, value.trim());
                    }
                }
                Ok(_) => {
                    let _ = parser.parse_until_before(Delimiter::Semicolon, |parser| {
                        while parser.next().is_ok() {}
                        Ok::<_, Refused>(())
                    });
                }
            }
        }
    }

    fn value(&mut self, parser: &mut Parser<'_>, property: &str, out: &mut String, depth: usize) -> bool {
        let role = if self.recolour { colour::role(property) } else { None };
        loop {
            let Ok(token) = parser.next_including_whitespace().cloned() else { return true };
            match &token {
                Token::UnquotedUrl(address) => self.address(address, out),
                Token::Function(name) if name.eq_ignore_ascii_case("url") => {
                    let address = parser
                        .parse_nested_block(|parser| parser.expect_string_cloned().map_err(ParseError::<()>::from));
                    let Ok(address) = address else { return false };
                    self.address(&address, out);
                }
                Token::Function(name) => {
                    if !is_known_function(name) || depth > 8 {
                        return false;
                    }
                    let name = name.to_ascii_lowercase();
                    let mut inner = String::new();
                    let sound = parser.parse_nested_block(|parser| {
                        Ok::<_, Refused>(self.value(parser, property, &mut inner, depth + 1))
                    });
                    if sound != Ok(true) {
                        return false;
                    }
                    match role.and_then(|role| Some(colour::darkened(function_colour(&name, &inner)?, role))) {
                        Some(dark) => out.push_str(&colour::css(dark)),
                        None => {
                            let _ = write!(out, "{name}({inner})");
                        }
                    }
                }
                Token::ParenthesisBlock | Token::SquareBracketBlock => {
                    let _ = token.to_css(out);
                    let sound = parser
                        .parse_nested_block(|parser| Ok::<_, Refused>(self.value(parser, property, out, depth + 1)));
                    if sound != Ok(true) {
                        return false;
                    }
                    out.push(if matches!(token, Token::ParenthesisBlock) { ')' } else { ']' });
                }
                Token::CurlyBracketBlock
                | Token::BadUrl(_)
                | Token::BadString(_)
                | Token::CloseParenthesis
                | Token::CloseSquareBracket
                | Token::CloseCurlyBracket
                | Token::AtKeyword(_)
                | Token::CDO
                | Token::CDC => return false,
                Token::Hash(digits) | Token::IDHash(digits) => {
                    match role.zip(parse_hash_color(digits.as_bytes()).ok()) {
                        Some((role, found)) => out.push_str(&colour::css(colour::darkened(found, role))),
                        None => {
                            let _ = token.to_css(out);
                        }
                    }
                }
                Token::Ident(name) if property == "position" && is_pinned(name) => out.push_str("static"),
                Token::Ident(name) => match role.and_then(|role| named(name, role)) {
                    Some(dark) => out.push_str(&colour::css(dark)),
                    None => {
                        let _ = token.to_css(out);
                    }
                },
                Token::Number { value, .. } if self.quirks && *value != 0.0 && takes_length(property) => {
                    let _ = token.to_css(out);
                    out.push_str("px");
                }
                Token::WhiteSpace(_) => out.push(' '),
                _ => {
                    let _ = token.to_css(out);
                }
            }
        }
    }

    fn address(&mut self, address: &str, out: &mut String) {
        match (self.picture)(address) {
            Some(number) => {
                let _ = write!(out, "url(picture:{number})");
            }
            None => out.push_str("none"),
        }
    }
}

/// A declaration written; with a few of which the engine knows another name only.
fn declare(out: &mut String, name: &str, value: &str) {
    let name = match name {
        "word-wrap" => "overflow-wrap",
        other => other,
    };
    if matches!(name, "font-family" | "font") {
        let _ = write!(out, "{name}:{};", with_stand_ins(value));
    } else {
        let _ = write!(out, "{name}:{value};");
    }
}

fn is_refused_selector(name: &str) -> bool {
    matches!(
        name.to_ascii_lowercase().as_str(),
        "has" | "visited" | "-moz-any-link" | "host" | "host-context" | "target"
    )
}

fn is_pinned(value: &str) -> bool {
    matches!(value.to_ascii_lowercase().as_str(), "fixed" | "sticky" | "-webkit-sticky")
}

fn named(name: &str, role: Role) -> Option<Colour> {
    let name = name.to_ascii_lowercase();
    let (red, green, blue) = match name.as_str() {
        "windowtext" | "canvastext" => (0, 0, 0),
        "window" | "canvas" => (255, 255, 255),
        name => parse_named_color(name).ok()?,
    };
    Some(colour::darkened((red, green, blue, 1.0), role))
}

/// `rgb()` and `rgba()` of plain numbers; others keep their colour.
fn function_colour(name: &str, inner: &str) -> Option<Colour> {
    if !matches!(name, "rgb" | "rgba") {
        return None;
    }
    let mut parts = inner.split([',', ' ', '/']).filter(|part| !part.is_empty());
    let mut part = || parts.next().and_then(|part| scaled(part, 255.0));
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let [red, green, blue] = [part()?, part()?, part()?].map(|value| value.round().clamp(0.0, 255.0) as u8);
    let alpha = parts.next().map_or(Some(1.0), |part| scaled(part, 1.0))?;
    Some((red, green, blue, alpha.clamp(0.0, 1.0)))
}

fn scaled(part: &str, whole: f32) -> Option<f32> {
    match part.strip_suffix('%') {
        Some(percent) => percent.parse::<f32>().ok().map(|value| value / 100.0 * whole),
        None => part.parse().ok(),
    }
}

/// A list of families, or a `font`, with the families that may stand in put behind those that are named.
pub(super) fn with_stand_ins(value: &str) -> String {
    let (list, important) = match value.rsplit_once('!') {
        Some((list, _)) => (list, "!important"),
        None => (value, ""),
    };
    let mut out = String::new();
    for (index, item) in list.split(',').enumerate() {
        if index > 0 {
            out.push(',');
        }
        out.push_str(item.trim());
        let name = item.trim().trim_matches(['"', '\'']).to_ascii_lowercase();
        let known = STAND_INS.iter().find(|(family, _)| {
            name.strip_suffix(family).is_some_and(|before| before.is_empty() || before.ends_with([' ', '"', '\'']))
        });
        if let Some((_, families)) = known.filter(|(_, families)| !value.contains(families)) {
            out.push_str(families);
        }
    }
    out + important
}

/// Families with the same widths, for systems that lack the one that is named.
const STAND_INS: &[(&str, &str)] = &[
    ("arial", ",\"Liberation Sans\",Arimo,\"Nimbus Sans\""),
    ("helvetica", ",\"Nimbus Sans\",\"Liberation Sans\",Arimo"),
    ("times new roman", ",\"Liberation Serif\",Tinos,\"Nimbus Roman\""),
    ("times", ",\"Liberation Serif\",Tinos,\"Nimbus Roman\""),
    ("courier new", ",\"Liberation Mono\",Cousine,\"Nimbus Mono PS\""),
    ("courier", ",\"Liberation Mono\",Cousine,\"Nimbus Mono PS\""),
    ("calibri", ",Carlito"),
    ("cambria", ",Caladea"),
    ("georgia", ",Gelasio"),
    ("verdana", ",\"DejaVu Sans\""),
    ("tahoma", ",\"Liberation Sans\",Arimo,\"Nimbus Sans\""),
];

fn takes_length(property: &str) -> bool {
    matches!(property, "width" | "height" | "min-width" | "max-width" | "min-height" | "max-height" | "font-size")
        || property.starts_with("margin")
        || property.starts_with("padding")
        || matches!(property, "top" | "left" | "right" | "bottom" | "border-width" | "text-indent" | "letter-spacing")
}

fn is_known_function(name: &str) -> bool {
    matches!(
        name.to_ascii_lowercase().as_str(),
        "rgb"
            | "rgba"
            | "hsl"
            | "hsla"
            | "hwb"
            | "lab"
            | "lch"
            | "oklab"
            | "oklch"
            | "color"
            | "color-mix"
            | "light-dark"
            | "calc"
            | "min"
            | "max"
            | "clamp"
            | "var"
            | "linear-gradient"
            | "radial-gradient"
            | "conic-gradient"
            | "repeating-linear-gradient"
            | "repeating-radial-gradient"
            | "counter"
            | "counters"
            | "repeat"
            | "minmax"
            | "fit-content"
            | "matrix"
            | "translate"
            | "translatex"
            | "translatey"
            | "scale"
            | "scalex"
            | "scaley"
            | "rotate"
            | "skew"
            | "skewx"
            | "skewy"
            | "circle"
            | "ellipse"
            | "inset"
            | "polygon"
    )
}

/// Properties that only change how the page itself looks.
fn is_known(property: &str) -> bool {
    const EXACT: &[&str] = &[
        "all",
        "aspect-ratio",
        "block-size",
        "bottom",
        "box-shadow",
        "box-sizing",
        "caption-side",
        "clear",
        "clip-path",
        "color",
        "color-scheme",
        "column-count",
        "column-fill",
        "column-gap",
        "column-width",
        "columns",
        "content",
        "counter-increment",
        "counter-reset",
        "direction",
        "display",
        "empty-cells",
        "flex",
        "float",
        "gap",
        "height",
        "hyphens",
        "inline-size",
        "inset",
        "isolation",
        "left",
        "letter-spacing",
        "line-break",
        "line-height",
        "max-block-size",
        "max-height",
        "max-inline-size",
        "max-width",
        "min-block-size",
        "min-height",
        "min-inline-size",
        "min-width",
        "mix-blend-mode",
        "object-fit",
        "object-position",
        "opacity",
        "order",
        "orphans",
        "overflow",
        "overflow-wrap",
        "overflow-x",
        "overflow-y",
        "position",
        "quotes",
        "right",
        "rotate",
        "row-gap",
        "scale",
        "tab-size",
        "table-layout",
        "text-align",
        "text-align-last",
        "text-indent",
        "text-overflow",
        "text-shadow",
        "text-transform",
        "text-wrap",
        "top",
        "transform",
        "transform-origin",
        "translate",
        "unicode-bidi",
        "vertical-align",
        "visibility",
        "white-space",
        "widows",
        "width",
        "word-break",
        "word-spacing",
        "word-wrap",
        "writing-mode",
        "z-index",
    ];
    const FAMILIES: &[&str] = &[
        "--",
        "background",
        "border",
        "column-rule",
        "flex-",
        "font",
        "grid",
        "inset-",
        "justify-",
        "align-",
        "list-style",
        "margin",
        "outline",
        "padding",
        "place-",
        "text-decoration",
        "text-underline",
    ];
    EXACT.contains(&property) || FAMILIES.iter().any(|family| property.starts_with(family))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filtered(css: &str, recolour: bool, sheet: bool) -> String {
        let mut picture = |address: &str| (address == "cid:a").then_some(7);
        let mut filter = Filter { picture: &mut picture, recolour, quirks: false, dark_style: false, refused: 0 };
        if sheet { filter.sheet(css) } else { filter.declarations(css) }
    }

    #[test]
    fn declarations_are_let_through_by_name_and_value() {
        for (css, expected) in [
            ("color:red;width:10px", "color:red;width:10px;"),
            ("COLOR : Red ; ; width:calc(100% - 2px)!important", "color:Red;width:calc(100% - 2px)!important;"),
            ("behavior:url(x.htc);-moz-binding:url(x);margin:0", "margin:0;"),
            ("background:url(http://x.example/a) red", "background:none red;"),
            ("background:URL( 'http://x.example/a' ) red", "background:none red;"),
            ("background:u\\72l(http://x.example/a) red", "background:none red;"),
            ("background-image:url(\"cid:a\")", "background-image:url(picture:7);"),
            ("background:image-set('http://x' 1x)", ""),
            ("background:-webkit-image-set(url(http://x) 1x);color:red", "color:red;"),
            ("width:expression(alert(1));height:1px", "height:1px;"),
            ("content:'a;b\\'c'", "content:\"a;b'c\";"),
            ("*zoom:1;_height:2px;color:red", "color:red;"),
            ("color:red;}body{display:none", "color:red;"),
            ("position:fixed;top:0", "position:static;top:0;"),
            ("cursor:url(http://x),auto;animation:a 1s", ""),
            (
                "font-family:Arial,'Courier New',x",
                "font-family:Arial,\"Liberation Sans\",Arimo,\"Nimbus Sans\",\"Courier New\",\"Liberation Mono\",Cousine,\"Nimbus Mono PS\",x;",
            ),
            ("font-family:Times New Roman", "font-family:Times New Roman,\"Liberation Serif\",Tinos,\"Nimbus Roman\";"),
        ] {
            assert_eq!(filtered(css, false, false), expected, "{css}");
        }
    }

    #[test]
    fn sheets_are_let_through_by_rule() {
        for (css, expected) in [
            ("p{color:red}", "p{color:red;}"),
            ("<!-- p{color:red} -->", "p{color:red;}"),
            ("@import url(http://x);p{color:red}", "p{color:red;}"),
            ("@import 'http://x';@charset 'x';p{color:red}", "p{color:red;}"),
            ("@font-face{font-family:x;src:url(http://x)}p{color:red}", "p{color:red;}"),
            (
                "@media only screen and (max-width:600px){.a img{width:100%!important}}",
                "@media only screen and (max-width:600px){.a :is(img,pk-img){width:100%!important;}}",
            ),
            ("@media x{p{color:red", "@media x{p{color:red;}}"),
            ("@keyframes a{0%{color:red}}p{color:red}", "p{color:red;}"),
            ("a:visited{color:red}p:has(b){color:red}a:hover{color:red}", "a:hover{color:red;}"),
            ("a:link, a:visited ,b c{color:red}", "a:link,b c{color:red;}"),
            ("a[href^='http://x']{color:red}", "a[href^=\"http://x\"]{color:red;}"),
            ("p{background:url(http://x)}", "p{background:none;}"),
            ("p{}b{color:red}", "b{color:red;}"),
            ("p{color:red}}}b{color:red}i{color:red}", "p{color:red;}i{color:red;}"),
        ] {
            assert_eq!(filtered(css, false, true), expected, "{css}");
        }
    }

    #[test]
    fn what_was_filtered_stays_as_it_is() {
        for css in ["p img:first-child>b{color:rgba(1, 2,3,.5);margin:-1px auto}", "@media (a){b{c:d;color:#fff}}"] {
            let once = filtered(css, false, true);
            assert_eq!(filtered(&once.replace(":is(img,pk-img)", "img"), false, true), once);
        }
    }

    #[test]
    fn colours_are_made_for_a_dark_window() {
        let dark = filtered(
            "color:#000;background:#fff;border:1px solid rgb(255,255,255);box-shadow:0 0 1px #000",
            true,
            false,
        );
        assert!(!dark.contains("color:#000") && !dark.contains("background:#fff"), "{dark}");
        assert!(dark.contains("box-shadow:0 0 1px #000"), "{dark}");
        assert_eq!(filtered("color:white;background:black", true, false), "color:#ffffff;background:#000000;");
    }
}
