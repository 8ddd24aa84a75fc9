//! format=flowed (RFC 3676): lines that were only broken to be sent are joined again.

/// The signature's separator, which never flows (section 4.3).
const SIGNATURE: &str = "-- ";

/// `text` with its soft line breaks taken out; `delete_blank` is DelSp=yes.
pub(super) fn join(text: &str, delete_blank: bool) -> String {
    let mut out = String::with_capacity(text.len());
    let mut open_depth = None;
    for line in text.split('\n') {
        let unquoted = line.trim_start_matches('>');
        let depth = line.len().saturating_sub(unquoted.len());
        let content = unquoted.strip_prefix(' ').unwrap_or(unquoted);
        if open_depth != Some(depth) || content == SIGNATURE {
            if open_depth.is_some() {
                // It was to go on, but what follows is of another depth.
                out.push('\n');
            }
            out.extend(std::iter::repeat_n('>', depth));
            if depth > 0 && !content.is_empty() {
                out.push(' ');
            }
        }
        let flows = content.ends_with(' ') && content != SIGNATURE;
        out.push_str(if flows && delete_blank { content.strip_suffix(' ').unwrap_or(content) } else { content });
        open_depth = flows.then_some(depth);
        if !flows {
            out.push('\n');
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flowing() {
        for (text, delete_blank, expected) in [
            ("one \ntwo\nthree", false, "one two\nthree\n"),
            ("one \ntwo", true, "onetwo\n"),
            ("> a \n> b\nc", false, "> a b\nc\n"),
            (">> a \n> b", false, ">> a \n> b\n"),
            (" >not quoted\n From", false, ">not quoted\nFrom\n"),
            ("text \n-- \nname", false, "text \n-- \nname\n"),
            ("", false, "\n"),
        ] {
            assert_eq!(join(text, delete_blank), expected, "{text:?}");
        }
    }
}
