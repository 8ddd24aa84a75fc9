//! Where the quoted tail of a reply begins: what the sender's program put below the answer, marked in the ways that
//! programs mark it.

use super::tree::{Id, Kind, Tree};

/// The element that the tail begins with: it and everything after it belong to the tail. There is none where nothing is
/// written before it, as in a message passed on, or where more is written after a quotation.
pub(super) fn tail(tree: &Tree, body: Id) -> Option<Id> {
    let mut written = false;
    for id in tree.below(body) {
        if written && let Some(whole) = mark(tree, id) {
            // A quotation with an answer below it is no tail; one that a header begins goes to the end.
            if !whole || !text_follows(tree, id, body) {
                return Some(before(tree, id));
            }
        }
        written |= is_written(tree, id);
    }
    None
}

/// Whether an element begins a quotation: `Some(true)` where it holds all of it, `Some(false)` where everything after it
/// belongs to it as well.
fn mark(tree: &Tree, id: Id) -> Option<bool> {
    let name = tree.name(id);
    if !matches!(name, "div" | "blockquote" | "table" | "span" | "hr" | "p") {
        return None;
    }
    let named = [tree.attribute(id, "class"), tree.attribute(id, "id")];
    let any = |known: &[&str]| {
        named.iter().flat_map(|names| names.split_ascii_whitespace()).any(|name| known.contains(&name))
    };
    if any(&[
        "gmail_quote",
        "gmail_quote_container",
        "yahoo_quoted",
        "protonmail_quote",
        "tutanota_quote",
        "zmail_extra",
    ]) || tree.attribute(id, "id").starts_with("yahoo_quoted")
        || name == "blockquote" && tree.attribute(id, "type").eq_ignore_ascii_case("cite")
    {
        return Some(true);
    }
    if any(&[
        "OutlookMessageHeader",
        "divRplyFwdMsg",
        "appendonsend",
        "moz-cite-prefix",
        "mail-editor-reference-message-container",
    ]) {
        return Some(false);
    }
    // What Word puts before the header of the message that is answered.
    let style: String = tree.attribute(id, "style").to_ascii_lowercase().split_ascii_whitespace().collect();
    (name == "div" && style.starts_with("border:none;border-top:solid") && style.contains("1.0pt;padding:3.0pt"))
        .then_some(false)
}

/// The line above a header belongs to it.
fn before(tree: &Tree, id: Id) -> Id {
    let siblings = tree.nodes.get(id).and_then(|node| node.parent).map_or(&[][..], |parent| tree.children(parent));
    let mut earlier = siblings.iter().rev().skip_while(|sibling| **sibling != id).skip(1).copied();
    earlier
        .find(|sibling| !is_blank(tree, *sibling))
        .filter(|sibling| tree.name(*sibling) == "hr" || tree.attribute(*sibling, "class").contains("moz-cite-prefix"))
        .unwrap_or(id)
}

fn is_blank(tree: &Tree, id: Id) -> bool {
    match tree.kind(id) {
        Kind::Text(text) => text.trim().is_empty(),
        Kind::Nothing => true,
        _ => tree.name(id) == "br",
    }
}

fn text_follows(tree: &Tree, id: Id, body: Id) -> bool {
    let mut at = id;
    while at != body {
        let Some(parent) = tree.nodes.get(at).and_then(|node| node.parent) else { return false };
        let later = tree.children(parent).iter().skip_while(|child| **child != at).skip(1);
        for sibling in later {
            if is_written(tree, *sibling) || tree.below(*sibling).any(|node| is_written(tree, node)) {
                return true;
            }
        }
        at = parent;
    }
    false
}

fn is_written(tree: &Tree, id: Id) -> bool {
    let Kind::Text(text) = tree.kind(id) else { return false };
    let parent = tree.nodes.get(id).and_then(|node| node.parent);
    !text.trim().is_empty() && !parent.is_some_and(|parent| matches!(tree.name(parent), "style" | "script" | "title"))
}

/// Takes the tail that begins with `start` out of the tree.
pub(super) fn fold(tree: &mut Tree, start: Id, body: Id) {
    let mut at = start;
    let mut gone = vec![start];
    while at != body {
        let Some(parent) = tree.nodes.get(at).and_then(|node| node.parent) else { break };
        gone.extend(tree.children(parent).iter().skip_while(|child| **child != at).skip(1));
        at = parent;
    }
    gone.into_iter().for_each(|id| tree.detach(id));
}
