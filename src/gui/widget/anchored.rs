//! A panel over everything else, at a place of what it belongs to: a menu at the mouse, what a field offers below it.

use iced::advanced::widget::operation::{Focusable, Operation};
use iced::advanced::widget::{Id, Tree};
use iced::advanced::{Clipboard, Layout, Shell, Widget, layout, mouse, overlay, renderer};
use iced::keyboard::{self, Key, Modifiers, key::Named};
use iced::{Element, Event, Length, Point, Rectangle, Renderer, Size, Theme, Vector};

/// Between the panel and the edge of the window, and what it belongs to.
const MARGIN: f32 = 4.0;

/// Where the panel lies.
#[derive(Clone, Copy, Debug)]
pub enum Place {
    /// At a point of what it belongs to.
    At(Point),
    /// Below, the right edges in line.
    Below,
    /// Below, and as wide, for as long as the field has the focus.
    BelowField,
}

/// What a key means, with the keys that are held.
type OnKey<'a, Message> = Box<dyn Fn(Named, Modifiers) -> Option<Message> + 'a>;

/// See the module.
pub struct Anchored<'a, Message> {
    base: Element<'a, Message>,
    panel: Option<Element<'a, Message>>,
    place: Place,
    close: Option<Message>,
    on_key: Option<OnKey<'a, Message>>,
}

/// `base`, and where there is one `panel` over it.
pub fn anchored<'a, Message>(
    base: impl Into<Element<'a, Message>>,
    panel: Option<Element<'a, Message>>,
    place: Place,
) -> Anchored<'a, Message> {
    Anchored { base: base.into(), panel, place, close: None, on_key: None }
}

impl<'a, Message> Anchored<'a, Message> {
    /// What a press beside the panel means; it does nothing else then.
    pub fn on_close(self, message: Message) -> Self {
        Self { close: Some(message), ..self }
    }

    /// What keys such as the arrows up and down and Enter mean while the field has the focus.
    pub fn on_key(self, on_key: impl Fn(Named, Modifiers) -> Option<Message> + 'a) -> Self {
        Self { on_key: Some(Box::new(on_key)), ..self }
    }

    fn has_focus(&mut self, tree: &mut Tree, layout: Layout<'_>, renderer: &Renderer) -> bool {
        let mut look = Look { focused: false };
        if let Some(base) = tree.children.first_mut() {
            self.base.as_widget_mut().operate(base, layout, renderer, &mut look);
        }
        look.focused
    }
}

/// Looks whether something has the focus.
struct Look {
    focused: bool,
}

impl Operation for Look {
    fn traverse(&mut self, operate: &mut dyn FnMut(&mut dyn Operation)) {
        operate(self);
    }

    fn focusable(&mut self, _id: Option<&Id>, _bounds: Rectangle, state: &mut dyn Focusable) {
        self.focused |= state.is_focused();
    }
}

impl<Message: Clone> Widget<Message, Theme, Renderer> for Anchored<'_, Message> {
    fn children(&self) -> Vec<Tree> {
        std::iter::once(&self.base).chain(&self.panel).map(Tree::new).collect()
    }

    fn diff(&self, tree: &mut Tree) {
        let layers: Vec<&Element<'_, Message>> = std::iter::once(&self.base).chain(&self.panel).collect();
        tree.diff_children(&layers);
    }

    fn size(&self) -> Size<Length> {
        self.base.as_widget().size()
    }

    fn layout(&mut self, tree: &mut Tree, renderer: &Renderer, limits: &layout::Limits) -> layout::Node {
        match tree.children.first_mut() {
            Some(base) => self.base.as_widget_mut().layout(base, renderer, limits),
            None => layout::Node::default(),
        }
    }

    fn operate(&mut self, tree: &mut Tree, layout: Layout<'_>, renderer: &Renderer, operation: &mut dyn Operation) {
        if let Some(base) = tree.children.first_mut() {
            self.base.as_widget_mut().operate(base, layout, renderer, operation);
        }
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
        if let Event::Keyboard(keyboard::Event::KeyPressed { key: Key::Named(key), modifiers, .. }) = event
            && let Some(message) = self.on_key.as_ref().and_then(|on_key| on_key(*key, *modifiers))
            && self.has_focus(tree, layout, renderer)
        {
            shell.publish(message);
            shell.capture_event();
            return;
        }
        if let Some(base) = tree.children.first_mut() {
            self.base.as_widget_mut().update(base, event, layout, cursor, renderer, clipboard, shell, viewport);
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
        let base = tree.children.first();
        base.map(|base| self.base.as_widget().mouse_interaction(base, layout, cursor, viewport, renderer))
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
        if let Some(base) = tree.children.first() {
            self.base.as_widget().draw(base, renderer, theme, style, layout, cursor, viewport);
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
        let hidden = matches!(self.place, Place::BelowField) && !self.has_focus(tree, layout, renderer);
        let (base, panel) = tree.children.split_at_mut_checked(1)?;
        let anchor = layout.bounds() + translation;
        let own = self.panel.as_mut().zip(panel.first_mut()).filter(|_| !hidden).map(|(panel, tree)| {
            overlay::Element::new(Box::new(Panel { panel, tree, anchor, place: self.place, close: self.close.clone() }))
        });
        let base = base.first_mut()?;
        let others = self.base.as_widget_mut().overlay(base, layout, renderer, viewport, translation);
        match (own, others) {
            (Some(own), Some(other)) => Some(overlay::Group::with_children(vec![other, own]).overlay()),
            (own, other) => own.or(other),
        }
    }
}

/// The panel while it lies over the window.
struct Panel<'a, 'b, Message> {
    panel: &'b mut Element<'a, Message>,
    tree: &'b mut Tree,
    /// Where what it belongs to lies in the window.
    anchor: Rectangle,
    place: Place,
    close: Option<Message>,
}

impl<Message: Clone> overlay::Overlay<Message, Theme, Renderer> for Panel<'_, '_, Message> {
    fn layout(&mut self, renderer: &Renderer, bounds: Size) -> layout::Node {
        let width = match self.place {
            Place::BelowField => self.anchor.width.max(240.0),
            Place::At(_) | Place::Below => bounds.width,
        };
        let limits = layout::Limits::new(Size::ZERO, Size::new(width.min(bounds.width - 2.0 * MARGIN), bounds.height));
        let node = self.panel.as_widget_mut().layout(self.tree, renderer, &limits);
        let size = node.size();
        let wanted = match self.place {
            Place::At(point) => Point::new(self.anchor.x + point.x, self.anchor.y + point.y),
            Place::Below => {
                let right = self.anchor.x + self.anchor.width;
                Point::new(right - size.width, self.anchor.y + self.anchor.height + MARGIN)
            }
            Place::BelowField => Point::new(self.anchor.x, self.anchor.y + self.anchor.height + MARGIN),
        };
        let within = |wanted: f32, size: f32, room: f32| wanted.min(room - size - MARGIN).max(MARGIN).round();
        node.move_to(Point::new(
            within(wanted.x, size.width, bounds.width),
            within(wanted.y, size.height, bounds.height),
        ))
    }

    fn draw(
        &self,
        renderer: &mut Renderer,
        theme: &Theme,
        style: &renderer::Style,
        layout: Layout<'_>,
        cursor: mouse::Cursor,
    ) {
        // It may stand out of the pane that it belongs to: all of it is seen.
        self.panel.as_widget().draw(self.tree, renderer, theme, style, layout, cursor, &layout.bounds());
    }

    fn operate(&mut self, layout: Layout<'_>, renderer: &Renderer, operation: &mut dyn Operation) {
        self.panel.as_widget_mut().operate(self.tree, layout, renderer, operation);
    }

    fn update(
        &mut self,
        event: &Event,
        layout: Layout<'_>,
        cursor: mouse::Cursor,
        renderer: &Renderer,
        clipboard: &mut dyn Clipboard,
        shell: &mut Shell<'_, Message>,
    ) {
        let seen = layout.bounds();
        self.panel.as_widget_mut().update(self.tree, event, layout, cursor, renderer, clipboard, shell, &seen);
        if let Event::Mouse(mouse::Event::ButtonPressed(_) | mouse::Event::WheelScrolled { .. }) = event {
            if cursor.is_over(layout.bounds()) {
                shell.capture_event();
            } else if let Some(close) = self.close.clone() {
                shell.publish(close);
                shell.capture_event();
            }
        }
    }

    fn mouse_interaction(&self, layout: Layout<'_>, cursor: mouse::Cursor, renderer: &Renderer) -> mouse::Interaction {
        let inside = self.panel.as_widget().mouse_interaction(self.tree, layout, cursor, &layout.bounds(), renderer);
        match inside {
            mouse::Interaction::None if cursor.is_over(layout.bounds()) => mouse::Interaction::Idle,
            inside => inside,
        }
    }
}

impl<'a, Message: Clone + 'a> From<Anchored<'a, Message>> for Element<'a, Message> {
    fn from(anchored: Anchored<'a, Message>) -> Self {
        Element::new(anchored)
    }
}
