//! The question before a link is opened that is not what it seems: where it truly leads, and why that is worth a look.

use iced::Element;
use iced::widget::{column, container, rich_text, span};

use super::{Action, Intent};
use crate::gui::icon;
use crate::gui::theme::{self, size};
use crate::gui::widget::{Tone, act, says, sheet, strip, tool};
use crate::message::links::Link;

/// What of an address is shown behind the host.
const LONGEST: usize = 240;

/// See the module.
#[derive(Debug)]
pub struct Question {
    link: Link,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    Open,
    Copy,
    Close,
}

impl Question {
    pub fn new(link: Link) -> Question {
        Question { link }
    }

    pub fn update(&mut self, message: Message) -> Action<Message> {
        Action::Want(match message {
            Message::Open => Intent::OpenLink(self.link.address.clone()),
            Message::Copy => Intent::Copy(self.link.address.as_str().to_owned()),
            Message::Close => Intent::Close,
        })
    }

    pub fn view(&self) -> Element<'_, Message> {
        let shown = &self.link.shown;
        let mut after: String = shown.after.chars().take(LONGEST).collect();
        if after.len() < shown.after.len() {
            after.push('…');
        }
        let address: iced::widget::text::Rich<'_, (), Message> = rich_text([
            span(shown.before.as_str()),
            span(shown.host.as_str()).font(theme::bold(&shown.host)),
            span(after),
        ]);
        let address = address.size(size::READING).line_height(1.4).wrapping(iced::widget::text::Wrapping::WordOrGlyph);
        let address = container(address).padding([10, 12]).width(iced::Fill).style(theme::well);
        let warnings = self.link.warnings.iter();
        let warnings = warnings.map(|said| strip(icon::TRIANGLE_ALERT, Tone::Trouble, said.as_str(), Vec::new()));
        let content = vec![says("This link leads to:").into(), address.into(), column(warnings).spacing(6).into()];
        let buttons = vec![
            tool(Some(icon::COPY), "Copy", Some(Message::Copy)).into(),
            act(None, "Open all the same", theme::plain, Some(Message::Open)).into(),
            act(None, "Cancel", theme::primary, Some(Message::Close)).into(),
        ];
        sheet("Open this link?", content, buttons)
    }
}
