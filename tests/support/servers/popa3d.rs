//! popa3d, which knows neither TLS nor CAPA. Its maildrop is one mbox file, its users are the system's. Its unique-ids are
//! a hash of four header fields, so that mails without these fields, or the same mail twice, have the same one.

use std::fs;

use super::view::View;
use super::{PASSWORD, Server, with_lf};
use crate::support::dovecot::free_port;

const USER: &str = "anna";

pub fn start(messages: impl IntoIterator<Item = Vec<u8>>) -> Server {
    let folder = View::folder_for("popa3d");
    let port = free_port();
    let mbox: Vec<u8> = messages.into_iter().flat_map(|message| in_mbox(&with_lf(&message))).collect();
    fs::write(folder.path().join("mbox"), mbox).expect("an mbox");
    // socat accepts the connections: popa3d by itself would take port 110, and answer each command 40 ms late (Nagle).
    let script = format!(
        r#"for user in popa3d:64990 {USER}:64991; do
    echo "${{user%:*}}:x:${{user#*:}}:${{user#*:}}::/nonexistent:/usr/sbin/nologin" >>/etc/passwd
    echo "${{user%:*}}:x:${{user#*:}}:" >>/etc/group
done
printf 'popa3d:!:19000:0:99999:7:::\n{USER}:%s:19000:0:99999:7:::\n' "$(openssl passwd -5 '{PASSWORD}')" >>/etc/shadow
mkdir -p /var/lib/popa3d
rm -rf /var/mail; ln -s "$PWD/spool" /var/mail
mkdir spool; mv mbox spool/{USER}; chown -R {USER}:{USER} spool; chmod 700 spool
socat TCP-LISTEN:{port},bind=127.0.0.1,nodelay,fork,reuseaddr EXEC:/usr/sbin/popa3d &
"#
    );
    let ca_file = folder.path().join("none");
    let view = View::start(folder, &script);
    let left = Box::new(|folder: &std::path::Path| {
        let mbox = fs::read(folder.join("spool").join(USER)).expect("the mbox");
        mbox.split(|octet| *octet == b'\n').filter(|line| line.starts_with(b"From ")).count()
    });
    Server { name: "popa3d", user: USER, port, security: "none", ca_file, plain_port: port, left, view }.ready()
}

/// With the line before it and the empty line behind it; its own lines that begin with `From ` are marked.
fn in_mbox(message: &[u8]) -> Vec<u8> {
    let mut out = b"From anna@example.org Mon Jan  1 00:00:00 2024\n".to_vec();
    for line in message.split_inclusive(|octet| *octet == b'\n') {
        if line.starts_with(b"From ") {
            out.push(b'>');
        }
        out.extend(line);
    }
    out.push(b'\n');
    out
}
