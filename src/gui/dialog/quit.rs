//! Closing the window while something runs: it is safe, and this says so.

use iced::Element;

use super::{Action, Intent, Lent};
use crate::gui::job::Order;
use crate::gui::theme;
use crate::gui::widget::{act, progress, says, sheet};

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
        let fetching = !lent.library.fetching.is_empty();
        let mut content: Vec<Element<'a, Message>> = Vec::new();
        if let Some(job) = lent.job {
            content.push(says(job.says()).into());
            content.push(progress(job.progress.fraction()));
            content.push(says(what_stays(&job.order)).into());
        }
        if fetching {
            let sentence = "Mail is being fetched. What has come is stored; the rest is still on the server and comes with the \
                            next check. Nothing is removed there before it is proved to be here.";
            content.push(says(sentence).into());
        }
        if content.is_empty() {
            content.push(says("Nothing is running any more.").into());
        }
        let stop = (!self.leaving).then_some(Message::Quit);
        let stay = (!self.leaving).then_some(Message::Stay);
        let go = if self.leaving { "Stopping" } else { "Stop and quit" };
        let buttons =
            vec![act(None, go, theme::plain, stop).into(), act(None, "Keep going", theme::primary, stay).into()];
        sheet("It is safe to quit now", content, buttons)
    }
}

/// What stopping a job leaves behind.
fn what_stays(order: &Order) -> &'static str {
    match order {
        Order::BackUp { .. } => {
            "The backup before this one stays whole, and the next one goes on where this one stopped."
        }
        Order::Verify(_) => "Checking changes nothing in the backup.",
        Order::Restore(_) => "What was restored so far stays; restore again for the rest.",
        Order::Repair(_) => "What was repaired so far stays whole; repair again for the rest.",
        Order::Export { .. } => "Your mail stays as it is; no half file is left behind.",
        Order::Import(_) => "What was imported so far stays; import again for the rest, nothing comes twice.",
    }
}
