//! Boxes side by side in a line that runs from right to left: the engine puts the first of them left, browsers right. Mail
//! for narrow windows is written so, for what stands right to come first where the window is too narrow for both.

use blitz_dom::{BaseDocument, Node, NodeId};
use style::computed_values::direction::T as Direction;
use style::values::specified::box_::DisplayOutside;

/// Moves such boxes to where they belong; whether there were any.
pub(super) fn mend(document: &mut BaseDocument) -> bool {
    let mut moves: Vec<(NodeId, f32)> = Vec::new();
    let mut stack: Vec<NodeId> = document.try_root_element().map(|root| root.id).into_iter().collect();
    while let Some(node) = stack.pop().and_then(|id| document.get_node(id)) {
        stack.extend(node.children.iter().copied());
        if let Some(boxes) = boxes(document, node) {
            turned(&boxes, &mut moves);
        }
    }
    let mut mutator = document.mutate();
    for (id, right) in &moves {
        mutator.set_style_property(*id, "position", "relative");
        mutator.set_style_property(*id, "left", &format!("{right}px"));
    }
    drop(mutator);
    !moves.is_empty()
}

/// The boxes in a line that runs from right to left, where it holds nothing else.
fn boxes<'a>(document: &'a BaseDocument, node: &'a Node) -> Option<Vec<&'a Node>> {
    if node.primary_styles()?.clone_direction() != Direction::Rtl || node.children.len() < 2 {
        return None;
    }
    let mut boxes = Vec::new();
    for child in node.children.iter().filter_map(|id| document.get_node(*id)) {
        match child.text_data() {
            Some(text) if text.content.trim().is_empty() => continue,
            Some(_) => return None,
            None => (),
        }
        let Some(styles) = child.primary_styles() else { continue };
        let display = styles.clone_display();
        if display.outside() == DisplayOutside::None {
            continue;
        }
        if display.outside() != DisplayOutside::Inline || display.is_inline_flow() {
            return None;
        }
        boxes.push(child);
    }
    (boxes.len() > 1).then_some(boxes)
}

/// Line by line, as in a mirror.
fn turned(boxes: &[&Node], moves: &mut Vec<(NodeId, f32)>) {
    let extent = |node: &&Node| {
        let layout = node.final_layout();
        (layout.location.x, layout.location.x + layout.size.width)
    };
    let mut rest = boxes;
    while let Some(first) = rest.first() {
        // A box that stands left of the one before begins a new line.
        let mut right = extent(first).1;
        let more = rest.iter().skip(1).take_while(|next| {
            let (left, end) = extent(next);
            let follows = left >= right - 1.0;
            right = right.max(end);
            follows
        });
        let (line, others) = rest.split_at(1 + more.count());
        let extents = || line.iter().map(extent);
        let least = extents().map(|(left, _)| left).fold(f32::MAX, f32::min);
        let most = extents().map(|(_, right)| right).fold(f32::MIN, f32::max);
        if line.len() > 1 {
            moves.extend(line.iter().map(|node| (node.id, least + most - extent(node).1 - extent(node).0)));
        }
        rest = others;
    }
}
