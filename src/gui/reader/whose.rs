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

#[cfg(test)]
mod tests {
    use futures::StreamExt as _;
    use iced_test::runtime::{Action as Done, task::into_stream};

    use super::super::{Action, Dates, Loaded, Message, Note, Open, Reader, page, saving};
    use super::Whose;
    use crate::account::MessageId;
    use crate::archive::Archive;
    use crate::gui::fixtures::{clock, letter, rows};
    use crate::problem::Problem;

    struct Bench {
        reader: Reader,
        archive: Archive,
        _folder: tempfile::TempDir,
    }

    impl Bench {
        /// A message with a page is read.
        fn new() -> Bench {
            let folder = tempfile::tempdir().unwrap();
            drop(Archive::open(folder.path()).unwrap());
            let archive = Archive::open_read_only(folder.path()).unwrap();
            let row = rows().remove(0);
            let mut reader = Reader { awaited: Some(row.id), ..Reader::default() };
            let loaded = Loaded::new(row.clone(), Dates::default(), letter()).with_page();
            reader.update(Message::Loaded(row.id, Ok(Some(loaded))), &archive, &clock());
            Bench { reader, archive, _folder: folder }
        }

        fn update(&mut self, message: Message) -> Action {
            self.reader.update(message, &self.archive, &clock())
        }

        fn open(&mut self) -> &mut Open {
            self.reader.open.as_mut().unwrap()
        }

        fn note(&self) -> Option<String> {
            match self.reader.open.as_ref()?.note.clone()? {
                Note::Said(sentence) => Some(sentence),
                Note::Failed(problem) => Some(problem.summary),
            }
        }

        fn save(&mut self, message: saving::Message) -> Action {
            self.update(Message::Saving(message))
        }

        /// Asks where to save, and begins.
        fn begin_saving(&mut self) -> Whose {
            drop(self.open().ask_where_to_save(saving::What::All));
            self.save(saving::Message::Folder("/nowhere".to_owned()));
            assert!(matches!(self.save(saving::Message::Go), Action::Run(_)));
            self.open().whose()
        }
    }

    fn problem() -> Problem {
        let said = |says: &str| says.to_owned();
        Problem { summary: said("It cannot be read."), mail: said("Nothing was lost."), advice: said("Try again.") }
    }

    fn saved(whose: &Whose) -> saving::Message {
        saving::Message::Saved(whose.clone(), Ok(vec!["/nowhere/a.pdf".into()]))
    }

    #[test]
    fn what_was_saved_is_told_where_it_is_not_asked_about_any_more() {
        let mut bench = Bench::new();
        let whose = bench.begin_saving();
        bench.save(saving::Message::Close);
        bench.save(saved(&whose));
        assert_eq!(bench.note().as_deref(), Some("Saved as /nowhere/a.pdf."));
        // Another question stands in its place.
        bench.open().note = None;
        drop(bench.open().ask_where_to_save(saving::What::Message));
        bench.save(saving::Message::Saved(whose, Err(problem())));
        assert_eq!(bench.note().as_deref(), Some("It cannot be read."));
    }

    #[test]
    fn what_was_saved_of_the_message_around_does_not_scroll_the_one_that_is_read() {
        let mut bench = Bench::new();
        let whose = bench.begin_saving();
        assert!(matches!(bench.save(saved(&whose)), Action::Run(_)), "it is read");
        let whose = bench.begin_saving();
        let outer = bench.reader.open.take();
        bench.reader.outer.extend(outer);
        let inner = Loaded::new(rows().remove(0), Dates::default(), letter());
        bench.reader.open = Some(Open { path: vec![0], ..Open::new(inner, false) });
        assert!(matches!(bench.save(saved(&whose)), Action::None));
        assert_eq!(bench.note(), None);
    }

    #[test]
    fn a_message_that_cannot_be_read_is_not_told_over_another() {
        let mut bench = Bench::new();
        let other = MessageId(4_711);
        for is_open in [true, false] {
            if !is_open {
                bench.reader.close();
            }
            bench.reader.awaited = Some(other);
            let Action::Say(said) = bench.update(Message::Loaded(other, Err(problem()))) else {
                panic!("it is said whether or not another is open: {is_open}");
            };
            assert_eq!(said, "It cannot be read. Try again.");
            assert_eq!(bench.note(), None);
        }
    }

    #[test]
    fn a_wish_for_a_sender_that_cannot_be_kept_is_told_over_the_message_of_that_sender() {
        let mut bench = Bench::new();
        let whose = bench.open().whose();
        let always = page::Message::Remote(page::remote::Message::Always(true));
        let Action::Run(task) = bench.update(Message::Page(always)) else { panic!("it is written") };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let done: Vec<_> = runtime.block_on(into_stream(task).unwrap().collect());
        let [Done::Output(Message::Noted(of, Note::Failed(_)))] = done.as_slice() else { panic!("{done:?}") };
        assert_eq!((of.id, &of.path), (whose.id, &whose.path));
    }

    #[test]
    fn one_message_at_a_time_is_put_on_paper() {
        let mut bench = Bench::new();
        let Action::Run(printing) = bench.update(Message::Print) else { panic!("it is printed") };
        let whose = bench.open().whose();
        bench.update(Message::Noted(whose, Note::Said("Your mail program was asked.".to_owned())));
        assert!(matches!(bench.update(Message::Print), Action::None), "the answer was to something else");
        drop(printing);
        assert!(matches!(bench.update(Message::Print), Action::Run(_)), "nothing is under way");
    }
}
