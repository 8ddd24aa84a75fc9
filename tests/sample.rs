//! The sample mailbox as Postkeep reads it: every message has a sender, a date and a subject (but for the one without),
//! and every charset comes out as it was written.
#![allow(clippy::expect_used, clippy::unwrap_used, clippy::print_stdout)]

use postkeep::demo::sample;
use postkeep::message;

fn now() -> jiff::Timestamp {
    "2026-11-23T10:00:00Z".parse().unwrap()
}

fn sample(name: &str) -> message::Message {
    let all = sample::messages(now());
    message::read(&all.iter().find(|sample| sample.name == name).unwrap().bytes)
}

#[test]
fn every_message_has_a_subject_a_sender_and_a_date() {
    let samples = sample::messages(now());
    assert!(samples.len() >= 60);
    for sample::Sample { name, bytes } in &samples {
        let envelope = message::envelope(bytes);
        assert_eq!(envelope.subject.is_empty(), *name == "no-subject", "{name}: {:?}", envelope.subject);
        assert!(envelope.from.address.contains('@'), "{name}: {:?}", envelope.from);
        assert!(!envelope.from.name.is_empty(), "{name}: {:?}", envelope.from);
        assert!(envelope.message_id.is_some(), "{name}");
        assert!(envelope.date.is_some_and(|date| date <= now()), "{name}: {:?}", envelope.date);
        let read = message::read(bytes);
        assert!(!read.text.contains('\u{FFFD}'), "{name}: {}", read.text);
        assert!(!read.text.trim().is_empty() || *name == "scanner-empty", "{name} has no text");
        assert!(read.notes.is_empty(), "{name}: {:?}", read.notes);
    }
}

#[test]
fn the_newest_are_those_of_the_first_impression() {
    let samples = sample::messages(now());
    let newest: Vec<&str> = samples.iter().rev().take(3).map(|sample| sample.name).collect();
    assert_eq!(newest, ["harbour-books-november", "boat-house-keys", "yamada-photos"]);
}

#[test]
fn every_charset_comes_out_as_written() {
    let cases = [
        ("yamada-photos", "山田 花子", "写真をありがとうございました", "次はぜひ秋に来てください。"),
        ("sato-sjis", "佐藤 健", "船の模型についてのお問い合わせ", "船の博物館\u{3000}佐藤"),
        ("wang-gb18030", "王小明", "关于下个月的展览", "开幕那天有茶和点心。"),
        ("meiling-big5", "陳美玲", "今年的春茶", "水不要太燙，泡一分鐘就好。"),
        ("minjun-euckr", "김민준", "예약을 확인해 드립니다", "고양이는 아무 때나 옵니다."),
        ("ahmed-coast", "أحمد المنصوري", "صور من الرحلة إلى الساحل", "أمي تسلم عليك كثيرا."),
        ("noa-hebrew", "נועה ברק", "הזרעים הגיעו!", "אם יצמח משהו כחול"),
        ("irina-koi8", "Ирина Белова", "Как прошёл концерт", "Дети пели громко и почти вместе."),
        ("dimitar-1251", "Димитър Колев", "Мелницата работи отново", "старата мелница работи отново."),
        ("giorgos-greek", "Γιώργος Παππάς", "Το λάδι είναι έτοιμο", "Σου κράτησα δύο δοχεία."),
        ("somchai-thai", "สมชาย ใจดี", "สูตรแกงที่คุณถามถึง", "พริกแห้งเจ็ดเม็ด"),
        ("priya-hindi", "प्रिया शर्मा", "नए घर की चाबी मिल गई", "छत से नदी दिखती है"),
        ("thu-ha-vietnamese", "Nguyễn Thu Hà", "Bản in thử cuốn sách của chị", "Chị muốn sửa chữ hay sửa thuyền?"),
        ("pekka-euro", "Pekka Järvinen", "Tarjous: lauta, 40 €", "Žanna lupasi höylätä sen"),
        ("zofia-polish", "Zofia Żółkiewska", "Gęsi wróciły", "Całuję, Zosia"),
        ("mother-telephone", "Birgitta Lindqvist", "Telefonen är lagad!", "Jag har sytt klart Emils byxor."),
        ("dentist", "Practice Dr. Falk", "Your appointment – in twelve days", "“just a look”"),
        ("museum-html-1252", "Ship Museum Westmole", "Your visit – thank you!", "5 € cheaper"),
        (
            "postcard-raw-utf8",
            "Þóra Jónsdóttir",
            "Póstkort frá Vík – rain from the side, cake from above",
            "það rignir á hlið.",
        ),
        ("emil-seven", "Nora Lindqvist", "🎂 Emil is seven! 🎈🎈 (and what he wants)", "4. no socks"),
        ("boat-house-keys", "Marek Dvořák", "Re: keys for the boat house", "it is the wet one."),
        ("ulf-1999", "Ulf Sandberg", "Testing the new e-mail", "Å Ä Ö å ä ö -- do they arrive?"),
        (
            "long-encoded-subject",
            "Sören Mårtensson",
            "Påminnelse: årsmötet är flyttat från lördagen till söndagen, eftersom äppelpressen står i stora salen och ingen vågar röra den",
            "Ta med egen kopp.",
        ),
    ];
    for (name, from, subject, phrase) in cases {
        let message = sample(name);
        assert_eq!((message.envelope.from.name.as_str(), message.envelope.subject.as_str()), (from, subject), "{name}");
        assert!(message.text.contains(phrase), "{name}: {}", message.text);
    }
}

#[test]
fn attachments_have_the_names_that_were_written() {
    let names = |name: &str| sample(name).attachments.into_iter().map(|part| part.name).collect::<Vec<_>>();
    assert_eq!(names("harbour-books-november"), ["programme.pdf", "map.png"]);
    assert_eq!(names("yamada-photos"), ["夕方の海.png"]);
    assert_eq!(names("ahmed-coast"), ["الساحل.png"]);
    assert_eq!(names("sabine-overview"), ["Jahresübersicht (für Anna), geprüft & größtenteils richtig.pdf"]);
    assert_eq!(names("forwarded-landlord"), ["The lift.eml"]);
    let odd = sample("print-shop").attachments;
    assert_eq!(odd.len(), 7);
    assert_eq!(odd[6].name, "");
    for part in odd {
        let unsafe_in_name = ['/', '\\', ':', '\u{202E}'];
        assert!(!part.safe_name.is_empty() && !part.safe_name.contains(unsafe_in_name), "{}", part.safe_name);
    }
}
