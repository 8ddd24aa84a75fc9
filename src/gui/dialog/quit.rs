//! Closing the window while something runs: it is safe, and this says so.

use iced::Element;

use super::{Action, Intent, Lent};
use crate::gui::theme;
use crate::gui::widget::{act, says, sheet, tool};

/// See the module.
#[derive(Debug, Default)]
pub struct Quit {
    /// Told what runs to stop; the window closes when it has.
    pub leaving: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    Stay,
    Quit,
}

impl Quit {
    pub fn update(&mut self, message: Message) -> Action<Message> {
        match message {
            Message::Stay => Action::Want(Intent::Close),
            Message::Quit => {
                self.leaving = true;
                Action::Want(Intent::Quit)
            }
        }
    }

    pub fn view<'a>(&'a self, lent: Lent<'a>) -> Element<'a, Message> {
        let what = match (lent.job, lent.library.fetching.is_empty()) {
            (Some(job), _) => job.says(),
            (None, false) => "Mail is being fetched.".to_owned(),
            (None, true) => "Nothing is running any more.".to_owned(),
        };
        let sentence = "It is safe to quit. What was fetched is stored, nothing is removed from the server before it is, and \
                        the next time goes on where this one stopped. An earlier backup stays whole.";
        let (go, message) = if self.leaving { ("Stopping", None) } else { ("Stop and quit", Some(Message::Quit)) };
        let stay = (!self.leaving).then_some(Message::Stay);
        sheet(
            "Quit while this runs?",
            vec![says(what).into(), says(sentence).into()],
            vec![tool(None, "Stay", stay).into(), act(None, go, theme::primary, message).into()],
        )
    }
}
