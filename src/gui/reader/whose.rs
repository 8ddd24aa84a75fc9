//! Which message an act was for. What comes of it may come when another is read: it is told over its own message, or
//! named where that is not shown.

use super::{Action, Note, Open, Reader, Told};
use crate::account::MessageId;

/// Characters of a subject that are said.
const LONGEST: usize = 40;

/// See the module.
#[derive(Clone, Debug)]
pub struct Whose {
    pub id: MessageId,
    /// As [`Open::path`].
    pub path: Vec<usize>,
    subject: String,
}

impl Open {
    pub(in crate::gui) fn whose(&self) -> Whose {
        Whose { id: self.row.id, path: self.path.clone(), subject: self.row.subject.clone() }
    }

    pub(super) fn is(&self, whose: &Whose) -> bool {
        (self.row.id, &self.path) == (whose.id, &whose.path)
    }
}

impl Reader {
    /// The message that is shown, or one of those around it.
    pub(super) fn open_of(&mut self, whose: &Whose) -> Option<&mut Open> {
        self.open.iter_mut().chain(&mut self.outer).find(|open| open.is(whose))
    }
}

impl Whose {
    /// Says it where its message is not shown.
    pub(super) fn says(&self, note: Note) -> Action {
        let mut name: String = self.subject.trim().chars().take(LONGEST).collect();
        if name.len() < self.subject.trim().len() {
            name.push('…');
        }
        if name.is_empty() {
            "No subject".clone_into(&mut name);
        }
        let says = match note {
            Note::Said(sentence) => sentence,
            Note::Failed(problem) => format!("{} {}", problem.summary, problem.advice),
        };
        Action::Say(format!("“{name}”: {says}"))
    }
}

impl Told {
    /// Without what more can be done about it, which is done to the message that is shown.
    pub(super) fn note(self) -> Note {
        Note::Said(match self {
            Told::Dead(sentence) | Told::Forwarded(sentence) => sentence,
            Told::Kept(path) => format!("Saved as {}.", path.display()),
        })
    }
}
