//! The same core from a terminal: arguments, printing, exit statuses. What stands here is a contract that scripts rely
//! on: forms and fields are added, never changed. With no command it opens the window.
//!
//! | status | meaning |
//! |---|---|
//! | 0 | done |
//! | 1 | failed; also: damage found |
//! | 2 | wrong usage |
//! | 3 | done in part: some message or account failed, each named |
//! | 4 | another process is writing this archive |

mod account;
mod backup;
mod bin;
mod browse;
mod consent;
mod deferred;
mod demo;
#[cfg(all(unix, debug_assertions))]
mod failpoint;
mod failure;
mod fetch;
mod health;
mod interrupt;
mod place;
mod print;
mod private;
mod render;
mod waiting;
mod window;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand, ValueEnum};
use tracing_subscriber::Layer as _;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use self::deferred::Deferred;
use self::failure::{Failure, Status};
use self::place::Place;
use crate::settings;

/// Keeps your mail on your own computer: fetches it over POP3S, stores it for good, lets you read and search it with no
/// network. Without a command it opens the window.
#[derive(Debug, Parser)]
#[command(name = "postkeep", version)]
struct Arguments {
    /// The archive's folder; else POSTKEEP_ARCHIVE, else the data folder of the platform.
    #[arg(long, global = true, value_name = "DIR")]
    archive: Option<PathBuf>,
    /// Draw without the graphics card.
    #[arg(long)]
    software_rendering: bool,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Try it: a sample mailbox, served on this computer by the program itself.
    Demo(Deferred<DemoArguments>),
    /// The mailboxes to fetch from.
    Account(Deferred<AccountArguments>),
    /// Fetch new mail, from all accounts or from those named.
    Fetch(Deferred<fetch::Arguments>),
    /// List messages, newest first.
    List(Deferred<browse::ListArguments>),
    /// Search messages, newest first.
    Search(Deferred<browse::SearchArguments>),
    /// Show one message.
    Show(Deferred<browse::ShowArguments>),
    /// Move messages to the bin.
    Delete(Deferred<bin::DeleteArguments>),
    /// Take messages out of the bin.
    Undelete(Deferred<bin::UndeleteArguments>),
    /// What was deleted and can be had back; or empty it.
    Bin(Deferred<bin::BinArguments>),
    /// Large messages that wait on their server; or ask for them.
    Waiting(Deferred<waiting::Arguments>),
    /// Save a message's attachments and print their paths.
    Save(Deferred<browse::SaveArguments>),
    /// Draw a message as a picture.
    Render(Deferred<render::RenderArguments>),
    /// Import mbox, Maildir, MH, .emlx, .eml, .pst, .ost and .msg files, and folders of them: of Thunderbird, Apple Mail,
    /// Outlook, Evolution and others.
    Import(Deferred<backup::ImportArguments>),
    /// Export messages for other programs.
    Export(Deferred<backup::ExportArguments>),
    /// Back up into a folder, or bring the backup there up to date; verified before it says so.
    Backup(Deferred<backup::FolderArguments>),
    /// Read a backup whole and compare every message.
    Verify(Deferred<backup::FolderArguments>),
    /// Restore a backup into the archive.
    Restore(Deferred<backup::FolderArguments>),
    /// The archive's health.
    Check(Deferred<health::CheckArguments>),
    /// Build the index again.
    Reindex,
    /// What each visit to a server did.
    Log(Deferred<Json>),
}

#[derive(Debug, Args)]
struct AccountArguments {
    #[command(subcommand)]
    command: account::Command,
}

/// `--json`, where there is nothing else to say.
#[derive(Debug, Args)]
struct Json {
    /// Print JSON objects, one a line.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
struct DemoArguments {
    /// Only the sample server, until it is stopped.
    #[arg(long)]
    serve: bool,
    /// The port it listens on; any free one unless told.
    #[arg(long, requires = "serve", default_value_t = 0)]
    port: u16,
}

/// `on` or `off`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Switch {
    On,
    Off,
}

/// Runs the command line; answers the process's exit status.
pub fn run() -> ExitCode {
    if let Some(memory) = worker_memory() {
        return crate::render::serve(memory);
    }
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            // A closed terminal cannot be told anything. What was typed is quoted in it.
            if error.use_stderr() {
                print::say(error.to_string().trim_end());
            } else {
                let _ = error.print();
            }
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    let window = arguments.command.is_none();
    private::keep_to_ourselves(window);
    if !matches!(arguments.command, Some(Command::List(_) | Command::Search(_))) {
        // What a killed window left behind goes. Whoever wants a list need not wait for it.
        settings::sweep();
    }
    log_to_stderr();
    match dispatch(arguments) {
        Ok(status) => status.into(),
        Err(failure) => {
            if let Some(sentence) = failure.sentence() {
                print::say(sentence);
            }
            failure.status().into()
        }
    }
}

/// Whether this process is one that draws pages, and what it may hold: said by the process that started it.
fn worker_memory() -> Option<u64> {
    let mut words = std::env::args_os().skip(1);
    words.next().filter(|first| first == crate::render::ARGUMENT)?;
    words.next()?.to_str()?.parse().ok()
}

fn dispatch(arguments: Arguments) -> Result<Status, Failure> {
    let place = Place::of(arguments.archive);
    let Some(command) = arguments.command else {
        return window::open(&place, arguments.software_rendering);
    };
    match command {
        Command::Demo(Deferred(DemoArguments { serve: true, port })) => demo::serve(port),
        Command::Demo(_) => demo::run(arguments.software_rendering),
        Command::Account(Deferred(AccountArguments { command })) => account::run(&place, command),
        Command::Fetch(Deferred(arguments)) => fetch::run(&place, &arguments),
        Command::List(Deferred(arguments)) => browse::list(&place, &arguments),
        Command::Search(Deferred(arguments)) => browse::search(&place, &arguments),
        Command::Show(Deferred(arguments)) => browse::show(&place, &arguments),
        Command::Delete(Deferred(arguments)) => bin::delete(&place, &arguments),
        Command::Undelete(Deferred(arguments)) => bin::undelete(&place, &arguments),
        Command::Bin(Deferred(arguments)) => bin::bin(&place, &arguments),
        Command::Waiting(Deferred(arguments)) => waiting::run(&place, &arguments),
        Command::Save(Deferred(arguments)) => browse::save(&place, &arguments),
        Command::Render(Deferred(arguments)) => render::render(&arguments),
        Command::Import(Deferred(arguments)) => backup::import(&place, &arguments),
        Command::Export(Deferred(arguments)) => backup::export(&place, &arguments),
        Command::Backup(Deferred(arguments)) => backup::back_up(&place, &arguments),
        Command::Verify(Deferred(arguments)) => backup::verify(&arguments),
        Command::Restore(Deferred(arguments)) => backup::restore(&place, &arguments),
        Command::Check(Deferred(arguments)) => health::check(&place, &arguments),
        Command::Reindex => health::reindex(&place),
        Command::Log(Deferred(Json { json })) => health::log(&place, json),
    }
}

/// A trace on stderr for who looks for a fault: only where POSTKEEP_LOG asks for it, such as `postkeep=debug`. Passwords
/// and mail are never in it.
fn log_to_stderr() {
    let filter = std::env::var("POSTKEEP_LOG").ok().filter(|filter| !filter.is_empty());
    #[cfg(all(unix, debug_assertions))]
    let wanted = filter.is_some() || failpoint::is_set();
    #[cfg(not(all(unix, debug_assertions)))]
    let wanted = filter.is_some();
    if !wanted {
        return;
    }
    let trace = filter.map(|filter| {
        tracing_subscriber::fmt::layer()
            .with_writer(std::io::stderr)
            .with_filter(tracing_subscriber::EnvFilter::new(filter))
    });
    // The trace comes first: what it writes of a step is written before the process dies there.
    let subscriber = tracing_subscriber::registry().with(trace);
    #[cfg(all(unix, debug_assertions))]
    let subscriber = subscriber.with(failpoint::layer());
    // A second subscriber cannot be set; the first one stays.
    let _ = subscriber.try_init();
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    fn parse(line: &[&str]) -> Result<Arguments, clap::Error> {
        Arguments::try_parse_from(["postkeep"].iter().chain(line))
    }

    #[test]
    fn the_grammar_is_sound() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn every_contracted_form_is_understood() {
        let forms = [
            "",
            "--software-rendering",
            "demo",
            "demo --serve",
            "demo --serve --port 1995",
            "account add me@example.org",
            "account add me@example.org --host h --port 995 --security tls --user u --password-stdin --leave-copy off",
            "account add me@example.org --password-command pass --ca ca.pem --name Me --security none --allow-plaintext",
            "account set me@example.org --retention 30d --every 5 --weak-link on --headers-over 500kB --budget 20MB",
            "account set me@example.org --retention newest:500MB --headers-over none --budget none --same-mailbox on",
            "account list --json",
            "account set me@example.org --leave-copy on --security starttls",
            "account remove me@example.org",
            "account test me@example.org --json",
            "fetch",
            "fetch me@example.org you@example.org --dry-run --json",
            "fetch --trace trace.log --json",
            "list --limit 5 --json",
            "search word --limit 5 --json",
            "show 1 --raw",
            "show 1 --headers",
            "show 1 --text",
            "show 1 --json",
            "show 1 --picture p.png --width 700",
            "render mail.eml --picture p.png --width 700 --dark",
            "save 1 there",
            "delete 1 2 --on-server",
            "undelete 1 2",
            "bin --json",
            "bin --empty --now",
            "waiting --json",
            "waiting --fetch 2",
            "import one two --json",
            "export there --format mbox",
            "export there --format maildir --query word --json",
            "export there --format eml",
            "export there --format zip",
            "backup there --json",
            "verify there --json",
            "restore there --json",
            "check --full --json",
            "check --repair there --compact --json",
            "reindex",
            "log --json",
            "list --archive there",
            "--archive there list",
        ];
        for form in forms {
            let words: Vec<&str> = form.split_whitespace().collect();
            assert!(parse(&words).is_ok(), "{form}");
        }
    }

    #[test]
    fn a_query_may_begin_with_a_hyphen() {
        for line in [["search", "-spam", "--json"], ["search", "--json", "-spam"]] {
            let Ok(Arguments { command: Some(Command::Search(Deferred(search))), .. }) = parse(&line) else {
                panic!("{line:?}")
            };
            assert_eq!((search.query.as_str(), search.json), ("-spam", true));
        }
        assert!(parse(&["export", "there", "--format", "zip", "--query", "-from:boss"]).is_ok());
    }

    #[test]
    fn wrong_usage_is_refused() {
        let forms = [
            "frobnicate",
            "show",
            "show nine",
            "show 1 --raw --text",
            "account add",
            "account add me@example.org --password-stdin --password-command pass",
            "account add me@example.org --security ssl",
            "account add me@example.org --leave-copy maybe",
            "account add me@example.org --port 70000",
            "account add me@example.org --retention sometimes",
            "account set me@example.org --retention none --leave-copy on",
            "account set me@example.org --every never",
            "account set me@example.org --budget much",
            "delete",
            "bin --now",
            "export there",
            "export there --format pst",
            "import",
            "search one two",
            "demo --port 5",
        ];
        for form in forms {
            let words: Vec<&str> = form.split_whitespace().collect();
            assert_eq!(parse(&words).err().map(|error| error.exit_code()), Some(2), "{form}");
        }
    }
}
