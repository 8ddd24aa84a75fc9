//! GNU Mailutils, over TLS by GnuTLS. Its unique-ids are a hash, the time and a number, made up at each session and kept
//! only when that ends with QUIT: as a field `X-UIDL` within the message, which is served with it. So a message that is
//! retrieved twice may be other bytes, under another unique-id. It says PIPELINING; LIST gives sizes that include the field.

use std::fs;

use super::view::View;
use super::{PASSWORD, Server, in_maildir, write_maildir};
use crate::support::dovecot::{free_port, write_certificates};

const USER: &str = "anna@example.org";

pub fn start(messages: impl IntoIterator<Item = Vec<u8>>) -> Server {
    let folder = View::folder_for("mailutils");
    let (port, plain_port) = (free_port(), free_port());
    write_maildir(&folder.path().join("INBOX"), messages);
    write_certificates(folder.path());
    let home = folder.path().display().to_string();
    let configuration = format!(
        r#"mode daemon;
foreground yes;
pidfile {home}/pid;
auth {{ authentication "generic"; authorization "virtdomain"; }};
virtdomain {{ passwd-dir {home}/domains; }};
mandatory-locking {{ enable no; }};
logging {{ syslog no; }};
tcp-wrappers {{ enable no; }};
tls-file-checks {{ key-file none; }};
server 127.0.0.1:{plain_port} {{ tls-mode no; }};
server 127.0.0.1:{port} {{
    tls-mode connection;
    tls {{ ssl-certificate-file {home}/server.pem; ssl-key-file {home}/server.key; }};
}};
"#
    );
    fs::write(folder.path().join("pop3d.conf"), configuration).expect("a configuration");
    let script = format!(
        r#"mkdir domains
printf 'anna:%s:65534:65534::{home}:/bin/sh\n' "$(openssl passwd -5 '{PASSWORD}')" >domains/example.org
chown -R 65534:65534 INBOX
pop3d --config-file="$PWD/pop3d.conf" &
"#
    );
    let ca_file = folder.path().join("ca.pem");
    let view = View::start(folder, &script);
    let left = Box::new(|folder: &std::path::Path| in_maildir(&folder.join("INBOX")));
    Server { name: "Mailutils", user: USER, port, security: "tls", ca_file, plain_port, left, view }.ready()
}
