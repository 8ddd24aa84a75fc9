//! Tables as browsers have them. Boxes that a table lacks: the engine leaves out what stands in a table and is no part of one, as cells made into
//! blocks are, which mail does everywhere; browsers put the missing row and cell around it. So do we, once styles are
//! known and before anything is laid out. Shares of a table's width, which the engine heeds in `calc()` only. Borders that
//! collapse, which the engine draws all alike.

use blitz_dom::{BaseDocument, Node, NodeId, QualName, local_name, ns};
use style::computed_values::border_collapse::T as BorderCollapse;
use style::computed_values::table_layout::T as TableLayout;
use style::properties::ComputedValues;
use style::values::computed::Size;
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
    let changes = changes(document);
    let mut mutator = document.mutate();
    for change in changes {
        match change {
            Change::Share(cell, share) => {
                mutator.set_style_property(cell, "width", &format!("calc({}% + 0.01px)", share * 100.0));
            }
            Change::Apart(table) => {
                mutator.set_attribute(table, QualName::new(None, ns!(), "pk-apart".into()), "");
            }
        }
    }
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

/// What is written otherwise so that the engine does as browsers do.
enum Change {
    /// The part of a table's width that a cell asks for.
    Share(NodeId, f32),
    /// Each cell draws its own borders.
    Apart(NodeId),
}

fn changes(document: &BaseDocument) -> Vec<Change> {
    let mut changes = Vec::new();
    let mut stack: Vec<NodeId> = document.try_root_element().map(|root| root.id).into_iter().collect();
    while let Some(node) = stack.pop().and_then(|id| document.get_node(id)) {
        stack.extend(node.children.iter().copied());
        if inside(node) == Some(DisplayInside::Table) {
            let rows = rows(document, node);
            collapsed(node, &rows, &mut changes);
            shares(node, &rows, &mut changes);
        }
    }
    changes
}

/// The cells of a table, row by row.
fn rows<'a>(document: &'a BaseDocument, table: &'a Node) -> Vec<Vec<&'a Node>> {
    let below = |node: &'a Node| node.children.iter().filter_map(|id| document.get_node(*id));
    let mut rows = Vec::new();
    let mut stack: Vec<&Node> = below(table).collect();
    stack.reverse();
    while let Some(node) = stack.pop() {
        match inside(node) {
            Some(DisplayInside::TableRow) => {
                rows.push(below(node).filter(|cell| inside(cell) == Some(DisplayInside::TableCell)).collect());
            }
            Some(DisplayInside::TableRowGroup | DisplayInside::TableHeaderGroup | DisplayInside::TableFooterGroup) => {
                stack.extend(node.children.iter().rev().filter_map(|id| document.get_node(*id)))
            }
            _ => (),
        }
    }
    rows
}

/// Only where all cells have the same border are those of the engine the right ones.
fn collapsed(table: &Node, rows: &[Vec<&Node>], changes: &mut Vec<Change>) {
    let is_collapsed = |styles: &ComputedValues| styles.clone_border_collapse() == BorderCollapse::Collapse;
    if !table.primary_styles().is_some_and(|styles| is_collapsed(&styles)) {
        return;
    }
    let mut cells = rows.iter().flatten().map(|cell| border(cell));
    let first = cells.next().flatten();
    let alike = first.is_some() && cells.all(|border| border == first);
    if !alike {
        changes.push(Change::Apart(table.id));
    }
}

/// The width of a border that goes all around in one style; `None` for any other.
fn border(node: &Node) -> Option<i32> {
    let styles = node.primary_styles()?;
    let border = styles.get_border();
    let sides = [
        (border.border_top_width.0, border.border_top_style),
        (border.border_right_width.0, border.border_right_style),
        (border.border_bottom_width.0, border.border_bottom_style),
        (border.border_left_width.0, border.border_left_style),
    ];
    let first = sides.first().copied()?;
    (sides.iter().all(|side| *side == first) && first.0.0 > 0 && !first.1.none_or_hidden()).then_some(first.0.0)
}

/// The engine passes over plain shares; where a table has one column there is nothing to share.
fn shares(table: &Node, rows: &[Vec<&Node>], changes: &mut Vec<Change>) {
    let is_fixed = table.primary_styles().is_some_and(|styles| styles.clone_table_layout() == TableLayout::Fixed);
    let Some(first) = rows.first().filter(|first| first.len() > 1 && !is_fixed) else { return };
    for cell in first {
        let Some(styles) = cell.primary_styles() else { continue };
        if let Size::LengthPercentage(width) = styles.clone_width()
            && let Some(share) = width.0.to_percentage()
            && share.0 > 0.0
        {
            changes.push(Change::Share(cell.id, share.0));
        }
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
