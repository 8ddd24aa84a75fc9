//! Boxes that a table lacks. The engine leaves out what stands in a table and is no part of one, as cells made into
//! blocks are, which mail does everywhere; browsers put the missing row and cell around it. So do we, once styles are
//! known and before anything is laid out.

use blitz_dom::{BaseDocument, Node, NodeId, QualName, local_name, ns};
use style::values::specified::box_::{DisplayInside, DisplayOutside};

/// Children that stand where they cannot, and what is put around them.
struct Lack {
    parent: NodeId,
    run: Vec<NodeId>,
    /// Whether a row is put around the cell.
    needs_row: bool,
}

/// Puts the missing rows and cells in.
pub(super) fn mend(document: &mut BaseDocument) {
    document.resolve_stylist(0.0);
    let mut lacks = Vec::new();
    let mut stack: Vec<NodeId> = document.try_root_element().map(|root| root.id).into_iter().collect();
    while let Some(node) = stack.pop().and_then(|id| document.get_node(id)) {
        stack.extend(node.children.iter().copied());
        lacking(document, node, &mut lacks);
    }
    if lacks.is_empty() {
        return;
    }
    let mut mutator = document.mutate();
    for Lack { parent, run, needs_row } in lacks {
        let Some(first) = run.first().copied() else { continue };
        let cell = mutator.create_element(QualName::new(None, ns!(html), "pk-cell".into()), Vec::new());
        let outer = if needs_row {
            let row = mutator.create_element(QualName::new(None, ns!(html), "pk-row".into()), Vec::new());
            mutator.append_children(row, &[cell]);
            row
        } else {
            cell
        };
        mutator.insert_nodes_before(first, &[outer]);
        mutator.append_children(cell, &run);
        // What selected it by its place may do so no more: it stays what it was.
        for id in run {
            if mutator.element_name(id).is_some_and(|name| matches!(&*name.local, "td" | "th" | "tr" | "tbody")) {
                mutator.set_style_property(id, "display", "block");
            }
        }
        debug_assert!(mutator.parent_id(outer) == Some(parent), "it stands where they stood");
    }
}

fn lacking(document: &BaseDocument, node: &Node, lacks: &mut Vec<Lack>) {
    let in_row = match inside(node) {
        Some(DisplayInside::TableRow) => true,
        Some(
            DisplayInside::Table
            | DisplayInside::TableRowGroup
            | DisplayInside::TableHeaderGroup
            | DisplayInside::TableFooterGroup,
        ) => false,
        _ => return,
    };
    let mut run = Vec::new();
    let mut has_content = false;
    for child in node.children.iter().filter_map(|id| document.get_node(*id)) {
        match belongs(child, in_row) {
            Some(true) => close(node.id, &mut run, &mut has_content, in_row, lacks),
            Some(false) => {
                run.push(child.id);
                has_content = true;
            }
            // White space goes with what stands around it.
            None if !run.is_empty() => run.push(child.id),
            None => (),
        }
    }
    close(node.id, &mut run, &mut has_content, in_row, lacks);
}

fn close(parent: NodeId, run: &mut Vec<NodeId>, has_content: &mut bool, in_row: bool, lacks: &mut Vec<Lack>) {
    let run = std::mem::take(run);
    if std::mem::take(has_content) {
        lacks.push(Lack { parent, run, needs_row: !in_row });
    }
}

/// Whether a child may stand in a row, or in a table; `None` for what is not seen.
fn belongs(child: &Node, in_row: bool) -> Option<bool> {
    if let Some(text) = child.text_data() {
        return (!text.content.trim().is_empty()).then_some(false);
    }
    let inside = inside(child)?;
    if let Some(styles) = child.primary_styles()
        && (styles.clone_display().outside() == DisplayOutside::None
            || styles.clone_position().is_absolutely_positioned())
    {
        return None;
    }
    let is_cell = inside == DisplayInside::TableCell;
    Some(match inside {
        DisplayInside::Contents | DisplayInside::None => return None,
        _ if in_row => is_cell,
        DisplayInside::TableRow
        | DisplayInside::TableRowGroup
        | DisplayInside::TableHeaderGroup
        | DisplayInside::TableFooterGroup
        | DisplayInside::TableColumn
        | DisplayInside::TableColumnGroup => true,
        _ => is_cell || is_caption(child),
    })
}

fn is_caption(node: &Node) -> bool {
    let caption =
        node.primary_styles().is_some_and(|styles| styles.clone_display().outside() == DisplayOutside::TableCaption);
    caption || node.data.is_element_with_tag_name(&local_name!("caption"))
}

fn inside(node: &Node) -> Option<DisplayInside> {
    node.primary_styles().map(|styles| styles.clone_display().inside())
}
