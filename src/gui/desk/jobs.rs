//! The long job: begun, watched, ended.

use super::{Desk, Message, Page};
use crate::gui::job;
use crate::gui::job::{Ended, Order, Outcome, Running, Stopped};
use iced::Task;

impl Desk {
    // The job.

    pub(super) fn start(&mut self, order: Order) -> Task<Message> {
        if self.job.is_some() {
            return Task::none();
        }
        let (running, task) = Running::start(&self.archive, order);
        self.job = Some(running);
        self.ended = None;
        self.notice = None;
        task.map(Message::Job)
    }

    pub(super) fn job(&mut self, message: job::Message) -> Task<Message> {
        match message {
            job::Message::Progress(step, progress) => {
                if let Some(job) = &mut self.job {
                    job.report(step, progress);
                }
                Task::none()
            }
            job::Message::Ended(ended) => self.ended(ended),
        }
    }

    pub(super) fn ended(&mut self, ended: Ended) -> Task<Message> {
        self.job = None;
        if ended.result.is_ok() {
            self.page = Page::Mailbox;
        }
        let mut tasks = vec![self.renew(true)];
        match (&ended.result, &ended.order) {
            (Ok(Outcome::BackedUp(done)), Order::BackUp { then_remove: Some((account, retention)), .. })
                if done.failed.is_empty() =>
            {
                tasks.push(self.retain(*account, *retention));
            }
            (Err(Stopped::By(problem)), _) if self.dialog.is_none() => self.problem = Some(problem.clone()),
            _ => {}
        }
        // A failure is said in the dialog or in a strip, never with a tick.
        self.notice = (!matches!(ended.result, Err(Stopped::By(_)))).then(|| ended.says());
        self.ended = Some(ended);
        Task::batch(tasks)
    }
}
