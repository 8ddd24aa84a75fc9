//! Name to address to TCP connection. The addresses of a name are tried beside each other, a little apart, so that a dead
//! IPv6 path does not hide a living IPv4 one (RFC 8305, "happy eyeballs"; quirk 13).

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::time::Duration;

use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};

use super::{Patience, Result, TransportError};

/// How long an address is waited for before the next is tried beside it (RFC 8305 section 5).
const STAGGER: Duration = Duration::from_millis(250);
/// The most addresses of one name that are tried.
const MOST_ADDRESSES: usize = 16;

/// A TCP connection to the address of `host` that answers first; name and addresses together get `patience.connect`.
pub(super) async fn tcp(host: &str, port: u16, patience: Patience) -> Result<TcpStream> {
    let stream = tcp_where(host, port, patience, |_| true).await?;
    stream.ok_or_else(|| name_not_found(bare(host), io::ErrorKind::NotFound.into()))
}

/// The same, at addresses that `admits` admits; `None` where `host` has none of these.
pub(super) async fn tcp_where(
    host: &str,
    port: u16,
    patience: Patience,
    admits: impl Fn(IpAddr) -> bool,
) -> Result<Option<TcpStream>> {
    let host = bare(host);
    let limit = Limit { whole: patience.connect, until: Instant::now() + patience.connect };
    let mut found = resolve(host, port, limit).await?;
    if found.is_empty() {
        return Err(name_not_found(host, io::ErrorKind::NotFound.into()));
    }
    found.retain(|address| admits(address.ip()));
    if found.is_empty() {
        return Ok(None);
    }
    let stream = first_of(in_turns(found), limit, TcpStream::connect::<SocketAddr>).await?;
    // Pipelined commands are small: they must not wait for each other. Without it everything still works.
    let _ = stream.set_nodelay(true);
    tracing::trace!(phase = "connected");
    Ok(Some(stream))
}

/// Whether this computer has a way to anywhere: a look into its own table of routes, nothing is sent. A hint only, for
/// a network can be there and lead nowhere, and a server in the same house needs no way out of it.
pub fn has_route() -> bool {
    // Addresses for documentation (RFC 5737, RFC 3849): only a way to everywhere leads there. A connected UDP socket is
    // a socket with a route, no more.
    let routed = |from: SocketAddr, to: SocketAddr| UdpSocket::bind(from).and_then(|socket| socket.connect(to)).is_ok();
    let to_v6 = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1);
    routed((Ipv4Addr::UNSPECIFIED, 0).into(), (Ipv4Addr::new(192, 0, 2, 1), 9).into())
        || routed((Ipv6Addr::UNSPECIFIED, 0).into(), (to_v6, 9).into())
}

/// Until when, and how long that is altogether.
#[derive(Clone, Copy)]
struct Limit {
    whole: Duration,
    until: Instant,
}

/// The families of addresses by turns, beginning with the one that the system puts first (RFC 8305 section 4).
fn in_turns(addresses: Vec<SocketAddr>) -> Vec<SocketAddr> {
    let v6_first = addresses.first().is_some_and(SocketAddr::is_ipv6);
    let (first, second): (Vec<_>, Vec<_>) = addresses.into_iter().partition(|address| address.is_ipv6() == v6_first);
    let (mut first, mut second) = (first.into_iter(), second.into_iter());
    let mut turns = Vec::new();
    while turns.len() < MOST_ADDRESSES {
        let before = turns.len();
        turns.extend(first.next());
        turns.extend(second.next());
        if turns.len() == before {
            break;
        }
    }
    turns
}

/// The connection that stands first, each address tried a little later than the one before it, or as soon as that one
/// fails (RFC 8305 section 5). The other attempts are dropped.
async fn first_of<S, F>(addresses: Vec<SocketAddr>, limit: Limit, connect: impl Fn(SocketAddr) -> F) -> Result<S>
where
    F: Future<Output = io::Result<S>>,
{
    let mut left = addresses.into_iter();
    let mut attempts = FuturesUnordered::new();
    let mut failure = None;
    loop {
        attempts.extend(left.next().map(&connect));
        let until = if left.len() > 0 { limit.until.min(Instant::now() + STAGGER) } else { limit.until };
        match timeout_at(until, attempts.next()).await {
            Ok(Some(Ok(stream))) => return Ok(stream),
            Ok(Some(Err(error))) => failure = more_telling(failure, explain(error)),
            Ok(None) | Err(_) if attempts.is_empty() && left.len() == 0 => break,
            Err(_) if Instant::now() >= limit.until => {
                failure = more_telling(failure, TransportError::ConnectTimeout(limit.whole));
                break;
            }
            Ok(None) | Err(_) => {}
        }
    }
    Err(failure.unwrap_or(TransportError::ConnectTimeout(limit.whole)))
}

/// Of two failures the one that says more about the server: that it is there and refuses, before that it is silent,
/// before that there is no way to it, as there is none over IPv6 in many a house.
fn more_telling(before: Option<TransportError>, now: TransportError) -> Option<TransportError> {
    let rank = |error: &TransportError| match error {
        TransportError::Refused => 3,
        TransportError::ConnectTimeout(_) => 2,
        TransportError::Connect(_) => 1,
        _ => 0,
    };
    match before {
        Some(before) if rank(&before) >= rank(&now) => Some(before),
        _ => Some(now),
    }
}

/// An IPv6 address may stand in brackets.
pub(super) fn bare(host: &str) -> &str {
    host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host)
}

async fn resolve(host: &str, port: u16, limit: Limit) -> Result<Vec<SocketAddr>> {
    match timeout_at(limit.until, tokio::net::lookup_host((host, port))).await {
        Ok(Ok(addresses)) => Ok(addresses.collect()),
        Ok(Err(source)) => Err(name_not_found(host, source)),
        Err(_) => Err(TransportError::NameSilence(limit.whole)),
    }
}

fn name_not_found(host: &str, source: io::Error) -> TransportError {
    TransportError::NameNotFound { host: host.to_owned(), source }
}

fn explain(error: io::Error) -> TransportError {
    use io::ErrorKind;
    match error.kind() {
        ErrorKind::ConnectionRefused => TransportError::Refused,
        ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable | ErrorKind::NetworkDown => {
            TransportError::Unreachable(error)
        }
        // The system gave up; or it has no address of this family to call from.
        ErrorKind::TimedOut | ErrorKind::AddrNotAvailable => TransportError::Unreachable(error),
        _ => TransportError::Connect(error),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    fn limit(whole: Duration) -> Limit {
        Limit { whole, until: Instant::now() + whole }
    }

    fn addresses(list: &[&str]) -> Vec<SocketAddr> {
        list.iter().map(|address| address.parse().unwrap()).collect()
    }

    #[test]
    fn families_take_turns() {
        let table: [(&[&str], &[&str]); 4] = [
            (&[], &[]),
            (&["1.0.0.1:1", "1.0.0.2:1"], &["1.0.0.1:1", "1.0.0.2:1"]),
            (
                &["[::1]:1", "[::2]:1", "[::3]:1", "1.0.0.1:1", "1.0.0.2:1"],
                &["[::1]:1", "1.0.0.1:1", "[::2]:1", "1.0.0.2:1", "[::3]:1"],
            ),
            (&["1.0.0.1:1", "[::1]:1", "1.0.0.2:1"], &["1.0.0.1:1", "[::1]:1", "1.0.0.2:1"]),
        ];
        for (given, expected) in table {
            assert_eq!(in_turns(addresses(given)), addresses(expected));
        }
        let many: Vec<SocketAddr> = (0..100).map(|port| (Ipv4Addr::LOCALHOST, port).into()).collect();
        assert_eq!(in_turns(many).len(), MOST_ADDRESSES);
    }

    /// Counts the attempts that are under way.
    struct UnderWay<'a>(&'a AtomicUsize);

    impl Drop for UnderWay<'_> {
        fn drop(&mut self) {
            self.0.fetch_sub(1, Ordering::SeqCst);
        }
    }

    /// Tries addresses of which those of IPv6 swallow everything and those of IPv4 answer; gives the outcome and which
    /// were tried, in order.
    async fn black_hole(list: &[&str], patience: Duration) -> (Result<SocketAddr>, Vec<SocketAddr>, usize) {
        let (tried, under_way) = (Mutex::new(Vec::new()), AtomicUsize::new(0));
        let outcome = first_of(addresses(list), limit(patience), async |address: SocketAddr| {
            tried.lock().unwrap().push(address);
            under_way.fetch_add(1, Ordering::SeqCst);
            let _guard = UnderWay(&under_way);
            if address.is_ipv6() {
                std::future::pending::<()>().await;
            }
            Ok(address)
        })
        .await;
        let tried = tried.into_inner().unwrap();
        (outcome, tried, under_way.load(Ordering::SeqCst))
    }

    #[tokio::test]
    async fn quirk_13_a_black_hole_keeps_nobody_waiting() {
        // Were it waited for, the patience would be used up by the time the next is tried.
        let list = ["[2001:db8::1]:995", "192.0.2.1:995", "[2001:db8::2]:995"];
        let (outcome, tried, under_way) = black_hole(&list, Duration::from_secs(15)).await;
        assert_eq!(outcome.unwrap(), addresses(&list)[1]);
        assert_eq!((tried, under_way), (addresses(&list[..2]), 0), "the third is not needed, the first was dropped");
    }

    #[tokio::test]
    async fn black_holes_only_end_with_the_patience() {
        let list = ["[2001:db8::1]:995", "[2001:db8::2]:995", "[2001:db8::3]:995"];
        let (outcome, tried, under_way) = black_hole(&list, STAGGER * 3).await;
        assert!(matches!(outcome, Err(TransportError::ConnectTimeout(_))), "{outcome:?}");
        assert_eq!((tried, under_way), (addresses(&list), 0), "all were tried");
    }

    #[tokio::test]
    async fn the_most_telling_failure_is_told() {
        use io::ErrorKind::{AddrNotAvailable, ConnectionRefused, NetworkUnreachable, PermissionDenied};
        type Expected = fn(&TransportError) -> bool;
        let table: [(&[io::ErrorKind], Expected); 5] = [
            (&[NetworkUnreachable, ConnectionRefused], |error| matches!(error, TransportError::Refused)),
            (&[ConnectionRefused, NetworkUnreachable], |error| matches!(error, TransportError::Refused)),
            (&[AddrNotAvailable, PermissionDenied], |error| matches!(error, TransportError::Connect(_))),
            (&[NetworkUnreachable, NetworkUnreachable], |error| matches!(error, TransportError::Unreachable(_))),
            (&[AddrNotAvailable], |error| matches!(error, TransportError::Unreachable(_))),
        ];
        for (kinds, expected) in table {
            let list: Vec<SocketAddr> = (0..).zip(kinds).map(|(port, _)| (Ipv4Addr::LOCALHOST, port).into()).collect();
            let error = first_of(list, limit(Duration::from_secs(15)), async |address: SocketAddr| {
                Err::<(), _>(io::Error::from(kinds[usize::from(address.port())]))
            })
            .await
            .unwrap_err();
            assert!(expected(&error), "{kinds:?}: {error:?}");
        }
        // A silent server says more than a network without IPv6.
        let error = first_of(addresses(&["[::1]:1", "1.0.0.1:1"]), limit(STAGGER), async |address: SocketAddr| {
            if address.is_ipv6() {
                return Err::<(), _>(NetworkUnreachable.into());
            }
            std::future::pending().await
        })
        .await
        .unwrap_err();
        assert!(matches!(error, TransportError::ConnectTimeout(_)), "{error:?}");
    }

    #[tokio::test]
    async fn a_port_where_nothing_listens() {
        let port = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
        for host in ["127.0.0.1", "localhost"] {
            assert!(matches!(tcp(host, port, Patience::default()).await, Err(TransportError::Refused)), "{host}");
        }
    }

    #[tokio::test]
    async fn a_name_that_names_nothing() {
        for host in ["", "no such name", "a..b"] {
            let error = tcp(host, 995, Patience::default()).await.unwrap_err();
            assert!(matches!(error, TransportError::NameNotFound { .. }), "{host:?}: {error:?}");
        }
    }

    #[tokio::test]
    async fn an_address_in_brackets() {
        let Ok(listener) = tokio::net::TcpListener::bind("[::1]:0").await else {
            println!("skipped: no IPv6 here");
            return;
        };
        let port = listener.local_addr().unwrap().port();
        assert!(tcp("[::1]", port, Patience::default()).await.is_ok());
    }
}
