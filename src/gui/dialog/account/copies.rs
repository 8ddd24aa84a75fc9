//! How long copies stay on the server: the seven ways.

use iced::widget::{Column, row};
use iced::{Alignment, Element, padding};

use crate::account::Retention;
use crate::gui::dialog::choice;
use crate::gui::icon;
use crate::gui::retention::MEGABYTE;
use crate::gui::theme;
use crate::gui::widget::{act, field, says};

/// See the module.
pub struct Copies {
    way: Way,
    days: String,
    messages: String,
    megabytes: String,
}

/// A retention without its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    Always,
    Days,
    UntilDeleted,
    UntilBackedUp,
    NewestMessages,
    NewestMegabytes,
    NotAtAll,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    Way(Way),
    Number(String),
    Save,
}

/// Each way, its name and what it means.
const WAYS: [(Way, &str, &str); 7] = [
    (Way::Always, "Always", "Nothing is ever removed from the server."),
    (Way::Days, "For some days", "Counted from when Postkeep first saw a message there."),
    (Way::UntilDeleted, "Until I delete it here", "What you move to the bin leaves the server at the next check."),
    (Way::UntilBackedUp, "Until it is in a verified backup", "Then two copies are yours, and the server's may go."),
    (Way::NewestMessages, "Only the newest messages", "Older ones leave the server as new ones come."),
    (Way::NewestMegabytes, "Only the newest megabytes", "For a mailbox that must not fill up."),
    (Way::NotAtAll, "Not at all", "Mail leaves the server once it is proved to be stored here."),
];

impl Copies {
    pub fn new(retention: Retention) -> Copies {
        let mut copies =
            Copies { way: Way::Always, days: "30".to_owned(), messages: "500".to_owned(), megabytes: "500".to_owned() };
        copies.way = match retention {
            Retention::LeaveCopy => Way::Always,
            Retention::Days(days) => {
                copies.days = days.to_string();
                Way::Days
            }
            Retention::UntilDeleted => Way::UntilDeleted,
            Retention::UntilBackedUp => Way::UntilBackedUp,
            Retention::NewestMessages(messages) => {
                copies.messages = messages.to_string();
                Way::NewestMessages
            }
            Retention::NewestOctets(octets) => {
                copies.megabytes = (octets / MEGABYTE).to_string();
                Way::NewestMegabytes
            }
            Retention::RemoveOnceStored => Way::NotAtAll,
        };
        copies
    }

    /// The retention to propose, when it is to be saved.
    pub fn update(&mut self, message: Message) -> Option<Retention> {
        match message {
            Message::Way(way) => self.way = way,
            Message::Number(text) => {
                let digits: String = text.chars().filter(char::is_ascii_digit).take(9).collect();
                if let Some(number) = self.number_of_mut(self.way) {
                    *number = digits;
                }
            }
            Message::Save => return self.retention(),
        }
        None
    }

    fn number_of_mut(&mut self, way: Way) -> Option<&mut String> {
        match way {
            Way::Days => Some(&mut self.days),
            Way::NewestMessages => Some(&mut self.messages),
            Way::NewestMegabytes => Some(&mut self.megabytes),
            _ => None,
        }
    }

    /// What is chosen; `None` where its number makes no sense.
    pub fn retention(&self) -> Option<Retention> {
        let word = match self.way {
            Way::Always => "always".to_owned(),
            Way::Days => format!("{}d", self.days),
            Way::UntilDeleted => "until-deleted".to_owned(),
            Way::UntilBackedUp => "until-backup".to_owned(),
            Way::NewestMessages => format!("newest:{}", self.messages),
            Way::NewestMegabytes => format!("newest:{}MB", self.megabytes),
            Way::NotAtAll => "none".to_owned(),
        };
        word.parse().ok()
    }

    pub fn view(&self, before: Retention) -> Element<'_, Message> {
        let mut ways = Column::new().spacing(4);
        for (way, name, meaning) in WAYS {
            ways = ways.push(choice(name, meaning.to_owned(), way == self.way, Message::Way(way)));
            if way == self.way {
                ways = ways.push(self.number());
            }
        }
        let now = match Copies::new(before).way == self.way {
            true => "So it is now. A copy here is read back and compared before the server's is removed.",
            false => "Before anything is removed you see the numbers, and are asked.",
        };
        ways.push(says(now)).into()
    }

    /// The field of the number, where the way has one.
    fn number(&self) -> Option<Element<'_, Message>> {
        let (value, unit) = match self.way {
            Way::Days => (&self.days, "days"),
            Way::NewestMessages => (&self.messages, "messages"),
            Way::NewestMegabytes => (&self.megabytes, "MB"),
            _ => return None,
        };
        let number = field("", value).id(NUMBER).on_input(Message::Number).on_submit(Message::Save).width(90);
        let line = row![number, says(unit)].spacing(8).align_y(Alignment::Center);
        Some(iced::widget::container(line).padding(padding::left(40).bottom(4)).into())
    }

    pub fn save(&self, before: Retention) -> Element<'_, Message> {
        let changed = self.retention().is_some_and(|retention| retention != before);
        act(Some(icon::SERVER), "Save", theme::primary, changed.then_some(Message::Save)).into()
    }
}

/// The field of the number.
pub const NUMBER: &str = "retention";

#[cfg(test)]
mod tests {
    use super::{Copies, Message, Retention, Way};

    #[test]
    fn what_is_shown_is_what_is_saved() {
        for word in ["always", "30d", "until-deleted", "until-backup", "newest:500", "newest:500MB", "none"] {
            let retention: Retention = word.parse().unwrap();
            let mut copies = Copies::new(retention);
            assert_eq!(copies.update(Message::Save), Some(retention), "{word}");
        }
    }

    #[test]
    fn a_number_that_makes_no_sense_is_not_saved() {
        let mut copies = Copies::new(Retention::LeaveCopy);
        copies.update(Message::Way(Way::Days));
        for (typed, expected) in [
            ("7", Some(Retention::Days(7))),
            ("0", None),
            ("", None),
            ("99999", None),
            ("-5x", Some(Retention::Days(5))),
        ] {
            copies.update(Message::Number(typed.to_owned()));
            assert_eq!(copies.update(Message::Save), expected, "{typed:?}");
        }
    }
}
