//! One question and its answer, and where an answer leads on to.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use http_body_util::{BodyExt as _, Empty};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1::{self, SendRequest};
use hyper::header::{ACCEPT, ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_LENGTH, HOST, LOCATION, USER_AGENT};
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::time::{Instant, timeout_at};
use url::{Position, Url};

use super::address::admitted;
use super::{Refusal, Rules};
use crate::render::{self, MOST_PIXELS};
use crate::transport::{Web, WebError};

/// The same for everyone, everywhere: some servers refuse who gives no name at all.
const NAME: &str = "Mozilla/5.0";
/// What an answer says before its octets, in octets and in lines.
const MOST_HEADER: usize = 64 * 1024;
const MOST_LINES: usize = 100;

type Sender = SendRequest<Empty<Bytes>>;

/// What is fetched for one message: its connections and what is left of its bounds.
pub(super) struct Exchange {
    rules: Rules,
    web: Option<Web>,
    until: Instant,
    left: AtomicUsize,
    /// Connections on which a question was answered, and another can be asked.
    idle: Mutex<HashMap<(String, u16), Vec<Sender>>>,
}

/// What an answer is.
enum Answer {
    Picture(Vec<u8>),
    /// It is elsewhere.
    At(String),
}

impl Exchange {
    pub async fn open(rules: Rules) -> Exchange {
        let ca_file = rules.ca_file.clone();
        // It reads the system's list of authorities.
        let web = tokio::task::spawn_blocking(move || Web::new(ca_file.as_deref())).await;
        Exchange {
            web: web.ok().and_then(Result::ok),
            until: Instant::now() + rules.all_time,
            left: AtomicUsize::new(rules.all_octets),
            idle: Mutex::default(),
            rules,
        }
    }

    /// The picture at this address; `number` says how many were asked for before.
    pub async fn picture(&self, number: usize, address: &str) -> Result<Vec<u8>, Refusal> {
        if render::is_tracker(address) {
            return Err(Refusal::Tracker);
        }
        let url = admitted(address, &self.rules)?;
        if number >= self.rules.most {
            return Err(Refusal::TooMany);
        }
        let until = self.until.min(Instant::now() + self.rules.time);
        timeout_at(until, self.follow(url)).await.unwrap_or(Err(Refusal::TooSlow))
    }

    async fn follow(&self, mut url: Url) -> Result<Vec<u8>, Refusal> {
        for _ in 0..=self.rules.turns {
            match self.ask(&url).await? {
                Answer::Picture(octets) => return judged(octets),
                Answer::At(place) => {
                    let next = url.join(&place).map_err(|_| Refusal::Refused)?;
                    if render::is_tracker(next.as_str()) {
                        return Err(Refusal::Tracker);
                    }
                    url = admitted(next.as_str(), &self.rules)?;
                }
            }
        }
        Err(Refusal::Refused)
    }

    async fn ask(&self, url: &Url) -> Result<Answer, Refusal> {
        let host = url.host_str().ok_or(Refusal::NotPublic)?.to_owned();
        let key = (host, url.port_or_known_default().unwrap_or(443));
        // A connection that was open may be closed by now; that says nothing of the picture.
        while let Some(mut sender) = self.idle(&key) {
            if sender.ready().await.is_ok()
                && let Ok(response) = sender.send_request(request(url)?).await
            {
                return self.answer(response, sender, key).await;
            }
        }
        let mut sender = self.connect(&key).await?;
        let response = sender.send_request(request(url)?).await.map_err(|_| Refusal::Refused)?;
        self.answer(response, sender, key).await
    }

    fn idle(&self, key: &(String, u16)) -> Option<Sender> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).get_mut(key)?.pop()
    }

    async fn connect(&self, (host, port): &(String, u16)) -> Result<Sender, Refusal> {
        let web = self.web.as_ref().ok_or(Refusal::NotReached)?;
        let stream =
            web.connect(host, *port, |address| self.rules.admit(address)).await.map_err(|error| match error {
                WebError::NotAdmitted => Refusal::NotPublic,
                WebError::Transport(_) => Refusal::NotReached,
            })?;
        let (sender, connection) = http1::Builder::new()
            .max_buf_size(MOST_HEADER)
            .max_headers(MOST_LINES)
            .handshake(TokioIo::new(stream))
            .await
            .map_err(|_| Refusal::NotReached)?;
        // It ends when nobody asks any more.
        tokio::spawn(connection);
        Ok(sender)
    }

    async fn answer(
        &self,
        response: Response<Incoming>,
        sender: Sender,
        key: (String, u16),
    ) -> Result<Answer, Refusal> {
        let status = response.status();
        if status.is_redirection()
            && let Some(place) = response.headers().get(LOCATION)
        {
            let place = place.to_str().map_err(|_| Refusal::Refused)?.to_owned();
            return Ok(Answer::At(place));
        }
        if status != StatusCode::OK {
            return Err(Refusal::Refused);
        }
        let octets = self.octets(response).await?;
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.entry(key).or_default().push(sender);
        Ok(Answer::Picture(octets))
    }

    /// Given up as soon as it is seen to be no picture, or too large.
    async fn octets(&self, response: Response<Incoming>) -> Result<Vec<u8>, Refusal> {
        let header = |name| response.headers().get(name).and_then(|value| value.to_str().ok());
        if header(CONTENT_ENCODING).is_some_and(|coding| !coding.eq_ignore_ascii_case("identity")) {
            return Err(Refusal::NoPicture);
        }
        let announced = header(CONTENT_LENGTH).and_then(|length| length.parse::<usize>().ok());
        if announced.is_some_and(|length| length > self.rules.octets) {
            return Err(Refusal::TooLarge);
        }
        let mut body = response.into_body();
        let mut octets = Vec::new();
        let mut looked_at = false;
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|_| Refusal::Refused)?;
            let Some(piece) = frame.data_ref() else { continue };
            let taken =
                self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(piece.len()));
            if taken.is_err() || octets.len().saturating_add(piece.len()) > self.rules.octets {
                return Err(Refusal::TooLarge);
            }
            octets.extend_from_slice(piece);
            if !looked_at && octets.len() >= 16 {
                looked_at = true;
                if !begins_as_picture(&octets) {
                    return Err(Refusal::NoPicture);
                }
            }
        }
        Ok(octets)
    }
}

/// A question that is the same whoever asks it.
fn request(url: &Url) -> Result<Request<Empty<Bytes>>, Refusal> {
    let host = &url[Position::BeforeHost..Position::AfterPort];
    Request::get(&url[Position::BeforePath..Position::AfterQuery])
        .header(HOST, host)
        .header(USER_AGENT, NAME)
        .header(ACCEPT, "image/png,image/jpeg,image/gif,image/webp")
        .header(ACCEPT_ENCODING, "identity")
        .body(Empty::new())
        .map_err(|_| Refusal::NotPublic)
}

/// The first octets of the formats that are drawn.
fn begins_as_picture(octets: &[u8]) -> bool {
    octets.starts_with(b"\x89PNG\r\n\x1a\n")
        || octets.starts_with(b"\xff\xd8\xff")
        || octets.starts_with(b"GIF87a")
        || octets.starts_with(b"GIF89a")
        || octets.starts_with(b"RIFF") && octets.get(8..12) == Some(b"WEBP")
}

/// A picture by its header, and not one that is there to be fetched and not to be seen.
fn judged(octets: Vec<u8>) -> Result<Vec<u8>, Refusal> {
    match render::picture_size(&octets) {
        None => Err(Refusal::NoPicture),
        Some((width, height)) if width <= 2 || height <= 2 => Err(Refusal::Tracker),
        Some((width, height)) if u64::from(width) * u64::from(height) > MOST_PIXELS => Err(Refusal::TooLarge),
        Some(_) => Ok(octets),
    }
}
