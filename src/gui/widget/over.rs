//! Something small over a field: the eye over a password, a link over a path. Unlike in a stack, the field below hears
//! every event, also those that something else took before: it has to lose the focus when another field is clicked.

use iced::advanced::widget::{Operation, Tree};
use iced::advanced::{Clipboard, Layout, Shell, Widget, layout, mouse, overlay, renderer};
use iced::{Element, Event, Length, Rectangle, Renderer, Size, Theme, Vector};

/// See the module.
struct Over<'a, Message> {
    /// The field, then what lies over it.
    layers: [Element<'a, Message>; 2],
}

/// `upper` over `field`, in the place that the field takes.
pub fn over<'a, Message: 'a>(
    field: impl Into<Element<'a, Message>>,
    upper: impl Into<Element<'a, Message>>,
) -> Element<'a, Message> {
    Element::new(Over { layers: [field.into(), upper.into()] })
}

impl<Message> Widget<Message, Theme, Renderer> for Over<'_, Message> {
    fn children(&self) -> Vec<Tree> {
        self.layers.iter().map(Tree::new).collect()
    }

    fn diff(&self, tree: &mut Tree) {
        tree.diff_children(&self.layers);
    }

    fn size(&self) -> Size<Length> {
        let [field, _] = &self.layers;
        field.as_widget().size()
    }

    fn layout(&mut self, tree: &mut Tree, renderer: &Renderer, limits: &layout::Limits) -> layout::Node {
        let mut nodes: Vec<layout::Node> = Vec::new();
        for (layer, tree) in self.layers.iter_mut().zip(&mut tree.children) {
            let limits = match nodes.first() {
                None => *limits,
                Some(field) => layout::Limits::new(Size::ZERO, field.size()),
            };
            nodes.push(layer.as_widget_mut().layout(tree, renderer, &limits));
        }
        let size = nodes.first().map(layout::Node::size).unwrap_or_default();
        layout::Node::with_children(size, nodes)
    }

    fn operate(&mut self, tree: &mut Tree, layout: Layout<'_>, renderer: &Renderer, operation: &mut dyn Operation) {
        operation.container(None, layout.bounds());
        operation.traverse(&mut |operation| {
            let layers = self.layers.iter_mut().zip(&mut tree.children).zip(layout.children());
            layers.for_each(|((layer, tree), layout)| {
                layer.as_widget_mut().operate(tree, layout, renderer, operation);
            });
        });
    }

    fn update(
        &mut self,
        tree: &mut Tree,
        event: &Event,
        layout: Layout<'_>,
        cursor: mouse::Cursor,
        renderer: &Renderer,
        clipboard: &mut dyn Clipboard,
        shell: &mut Shell<'_, Message>,
        viewport: &Rectangle,
    ) {
        let upper_first = self.layers.iter_mut().zip(&mut tree.children).zip(layout.children()).rev();
        let mut cursor = cursor;
        let taken_before = shell.is_event_captured();
        for ((layer, tree), layout) in upper_first {
            // Taken by what lies over it, though, the event is not the field's.
            if !taken_before && shell.is_event_captured() {
                return;
            }
            layer.as_widget_mut().update(tree, event, layout, cursor, renderer, clipboard, shell, viewport);
            let upper = layer.as_widget().mouse_interaction(tree, layout, cursor, viewport, renderer);
            if upper != mouse::Interaction::None {
                cursor = mouse::Cursor::Unavailable;
            }
        }
    }

    fn mouse_interaction(
        &self,
        tree: &Tree,
        layout: Layout<'_>,
        cursor: mouse::Cursor,
        viewport: &Rectangle,
        renderer: &Renderer,
    ) -> mouse::Interaction {
        let upper_first = self.layers.iter().zip(&tree.children).zip(layout.children()).rev();
        upper_first
            .map(|((layer, tree), layout)| {
                layer.as_widget().mouse_interaction(tree, layout, cursor, viewport, renderer)
            })
            .find(|interaction| *interaction != mouse::Interaction::None)
            .unwrap_or_default()
    }

    fn draw(
        &self,
        tree: &Tree,
        renderer: &mut Renderer,
        theme: &Theme,
        style: &renderer::Style,
        layout: Layout<'_>,
        cursor: mouse::Cursor,
        viewport: &Rectangle,
    ) {
        use iced::advanced::Renderer as _;
        let layers = self.layers.iter().zip(&tree.children).zip(layout.children());
        for ((layer, tree), layout) in layers {
            renderer.with_layer(*viewport, |renderer| {
                layer.as_widget().draw(tree, renderer, theme, style, layout, cursor, viewport);
            });
        }
    }

    fn overlay<'b>(
        &'b mut self,
        tree: &'b mut Tree,
        layout: Layout<'b>,
        renderer: &Renderer,
        viewport: &Rectangle,
        translation: Vector,
    ) -> Option<overlay::Element<'b, Message, Theme, Renderer>> {
        overlay::from_children(&mut self.layers, tree, layout, renderer, viewport, translation)
    }
}
