//! The end of a session: read-back, DELE, QUIT. The only place where a message leaves a server.

use super::run::{Fetch, Then, blocking, keys};
use super::{FetchError, Plan, Update};
use crate::account::Uidl;
use crate::archive::{CopyState, ListedMessage, LogEntry};
use crate::job::unless_cancelled;
use crate::pop3::Removal;
use crate::transport::{Answer, Connection, TransportError};

/// How many messages are proved and removed at a time; short, so that the server hears from us between two read-backs.
const CHUNK: usize = 100;
/// How many removals one session confirms by QUIT: a server that logs out after ten minutes undoes every DELE (quirk 65),
/// and a weak link loses fewer of them (quirk 77).
const BATCH: usize = 2_000;
const WEAK_BATCH: usize = 100;

impl Fetch<'_> {
    /// How many messages are removed before QUIT.
    pub(super) fn batch(&self) -> usize {
        if self.account.fetching.weak_link { WEAK_BATCH } else { BATCH }
    }

    /// Proves, removes, ends the session. Once a DELE was sent, any doubt takes all of them back (RSET) and hangs up
    /// without QUIT; only the server's own -ERR to one DELE is no doubt.
    pub(super) async fn remove_and_quit(
        &mut self,
        mut connection: Connection,
        plan: &Plan,
        mut messages: Vec<ListedMessage>,
    ) -> Result<Then, FetchError> {
        if messages.is_empty() {
            // Nothing depends on the answer, for no DELE was sent; but it may show that a message was not all there.
            return match connection.quit().await {
                Err(error @ TransportError::Protocol(_)) if self.last.is_some() => Err(error.into()),
                _ => Ok(Then::Done),
            };
        }
        let more = messages.len() > self.batch();
        messages.truncate(self.batch());
        (self.on_update)(Update::Removing(messages.len() as u64));
        let accepted = match self.remove(&mut connection, plan, &messages).await {
            Ok(Some(accepted)) => accepted,
            ended => {
                connection.reset().await;
                return ended.map(|_| Then::Done);
            }
        };
        tracing::debug!(phase = "quit");
        let answer = connection.quit().await;
        tracing::debug!(phase = "quit answered");
        let removed = accepted.len() as u64;
        if matches!(answer, Ok(Answer::Ok)) {
            self.count_removed(removed);
            self.log.push(LogEntry::Removed { messages: removed });
            let (archive, maildrop) = (self.archive.clone(), self.visit.maildrop);
            blocking(move || archive.note_removed(maildrop, &accepted)).await?;
        } else {
            self.log.push(LogEntry::Unconfirmed { messages: removed });
            self.note_states(accepted, CopyState::DeleteUnknown).await?;
        }
        tracing::debug!(phase = "removal noted");
        match answer.map_err(FetchError::Removal)? {
            Answer::Ok if more && removed > 0 => Ok(Then::RemoveMore),
            Answer::Ok => Ok(Then::Done),
            Answer::Err(text) => Err(FetchError::RemovalRefused { text }),
        }
    }

    /// DELE for all that proves sound; answers those whose DELE the server accepted, or `None` when the user does not
    /// want it any more.
    async fn remove(
        &mut self,
        connection: &mut Connection,
        plan: &Plan,
        messages: &[ListedMessage],
    ) -> Result<Option<Vec<(Uidl, u32)>>, FetchError> {
        let (mut accepted, mut proved) = (Vec::new(), 0);
        for chunk in messages.chunks(CHUNK) {
            let (answers, asked) = self.remove_chunk(connection, plan, chunk).await?;
            accepted.extend(answers);
            proved += asked;
            if !self.wants_removal().await? {
                return Ok(None);
            }
        }
        if proved < messages.len() {
            self.log.push(LogEntry::NotProved { messages: (messages.len() - proved) as u64 });
        }
        Ok(Some(accepted))
    }

    /// Read-back, ledger, DELE for some messages; answers those whose DELE the server accepted, and of how many it was
    /// asked. A message whose copy here does not prove sound, or that was taken out of the bin meanwhile, is left there.
    async fn remove_chunk(
        &mut self,
        connection: &mut Connection,
        plan: &Plan,
        chunk: &[ListedMessage],
    ) -> Result<(Vec<(Uidl, u32)>, usize), FetchError> {
        unless_cancelled(self.cancel)?;
        tracing::debug!(phase = "prove");
        let (archive, maildrop) = (self.archive.clone(), self.visit.maildrop);
        let wished: Vec<_> = chunk.iter().map(|message| plan.deleted_here.get(&message.number).copied()).collect();
        let chunk = chunk.to_vec();
        let proved = blocking(move || -> Result<_, FetchError> {
            let binned = if wished.iter().any(Option::is_some) { archive.binned()? } else { Default::default() };
            let mut proved = Vec::new();
            for (message, wished) in chunk.iter().zip(wished) {
                if wished.is_some_and(|id| !binned.contains_key(&id)) {
                    continue;
                }
                // What was retrieved once more may have turned out to be another message than the one deleted here.
                if let Some(proof) = archive.prove(maildrop, message)?
                    && wished.is_none_or(|id| id == proof.message())
                {
                    proved.push((message.clone(), Removal::of(&proof)));
                }
            }
            let (messages, removals): (Vec<_>, Vec<_>) = proved.into_iter().unzip();
            let rows = keys(&messages);
            archive.set_copy_state(maildrop, &rows, CopyState::DeleSent)?;
            Ok((rows, removals))
        })
        .await?;
        let (rows, removals) = proved;
        let asked = rows.len();
        tracing::debug!(phase = "dele", messages = asked);
        let answers = connection.remove(removals).await.map_err(FetchError::Removal)?;
        tracing::debug!(phase = "dele answered");
        let accepted = rows.into_iter().zip(answers).filter(|(_, answer)| *answer == Answer::Ok).map(|(row, _)| row);
        Ok((accepted.collect(), asked))
    }
}
