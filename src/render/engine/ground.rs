//! The ground of a page: what is seen where nothing is drawn.

use blitz_dom::{BaseDocument, Node};
use style::color::ColorSpace;

/// The colour that the page gives its ground, on what the window gives.
pub(super) fn ground(document: &BaseDocument, dark: bool) -> [u8; 3] {
    let base = if dark { [27, 27, 27] } else { [255, 255, 255] };
    let Some(root) = document.try_root_element() else { return base };
    let body = root.children.iter().filter_map(|id| document.get_node(*id)).find(|node| is_body(node));
    // The ground of the root, else that of the body, stands for the whole page.
    std::iter::once(root).chain(body).find_map(|node| colour(node, base)).unwrap_or(base)
}

fn is_body(node: &Node) -> bool {
    node.data.is_element_with_tag_name(&blitz_dom::local_name!("body"))
}

fn colour(node: &Node, base: [u8; 3]) -> Option<[u8; 3]> {
    let styles = node.primary_styles()?;
    let current = styles.clone_color();
    let colour = styles.clone_background_color().resolve_to_absolute(&current).to_color_space(ColorSpace::Srgb);
    if colour.alpha <= 0.0 {
        return None;
    }
    let over = |value: f32, below: u8| {
        let value = value * 255.0 * colour.alpha + f32::from(below) * (1.0 - colour.alpha);
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let value = value.round().clamp(0.0, 255.0) as u8;
        value
    };
    let [red, green, blue] = base;
    Some([over(colour.components.0, red), over(colour.components.1, green), over(colour.components.2, blue)])
}
