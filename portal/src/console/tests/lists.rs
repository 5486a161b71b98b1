//! The ways through long lists: all of it is in the address.

use otpost_ipc::admin::AdminOp;

use super::{Console, Said, Says};

/// The address of a step, as the page has it; empty where it is not possible.
fn step(page: &Said, rel: &str) -> String {
    let Some((before, _)) = page.text.split_once(&format!("\" rel=\"{rel}\"")) else {
        return String::new();
    };
    let (_, address) = before.rsplit_once("href=\"").unwrap();
    address.replace("&#38;", "&")
}

/// What the last request for users asked: where it begins, and how many.
fn asked(console: &Console) -> (Option<String>, u32) {
    let found = console.daemon.asked().into_iter().rev().find_map(|op| match op {
        AdminOp::UserFind { after, limit, .. } => Some((after, limit)),
        _ => None,
    });
    found.unwrap()
}

fn many() -> Console {
    Console::new(Says {
        many: true,
        ..Says::default()
    })
}

#[tokio::test]
async fn one_gets_back_from_every_page_as_one_came() {
    let console = many();
    let first = "/users?search=al&state=locked&size=10";
    let mut way = vec![first.to_owned()];
    for number in 1..=4 {
        let page = console.get(way.last().unwrap()).await;
        assert!(page.text.contains(&format!("Page {number}")), "{}", page.text);
        let begin = (number > 1).then(|| number.to_string());
        assert_eq!(asked(&console), (begin, 10));
        let next = step(&page, "next");
        assert_eq!(next.is_empty(), number == 4);
        if !next.is_empty() {
            way.push(next);
        }
    }
    let same = |a: &str, b: &str| {
        let parts = |address: &str| {
            let (_, query) = address.split_once('?').unwrap();
            let mut parts: Vec<String> = query.split('&').map(str::to_owned).collect();
            parts.sort();
            parts
        };
        assert_eq!(parts(a), parts(b));
    };
    while let Some(here) = way.pop() {
        let page = console.get(&here).await;
        let back = step(&page, "prev");
        match way.last() {
            Some(before) => {
                same(&back, before);
                same(&step(&page, "first"), first);
            }
            None => assert_eq!((back, step(&page, "first")), (String::new(), String::new())),
        }
        assert!(
            page.text.contains("name=\"size\" value=\"10\""),
            "a search keeps the length"
        );
        assert!(page.text.contains("<option value=\"10\" selected>"));
    }
}

#[tokio::test]
async fn a_way_back_that_is_not_known_is_not_offered() {
    let console = many();
    // From a bookmark without its way.
    let page = console.get("/users?after=3").await;
    assert_eq!(step(&page, "prev"), "");
    assert_eq!(step(&page, "first"), "/users");
    assert!(!page.text.contains(">Page"), "nobody knows which");
    // A way that became too long loses its oldest part, and no more.
    let long = "x".repeat(400);
    let way: Vec<String> = (0..6).map(|n| format!("back={long}{n}")).collect();
    let page = console
        .get(&format!("/users?after=2&page=8&{}", way.join("&")))
        .await;
    let next = step(&page, "next");
    assert!(next.len() < 2000 && next.contains("page=9"), "{next}");
    assert!(next.ends_with(&format!("back={long}5&back=2")), "{next}");
    let page = console.get("/users?after=2&page=8").await;
    assert_eq!(step(&page, "prev"), "", "not the first page for the seventh");
    for size in ["0", "7", "1000000", "-5", "x"] {
        console.get(&format!("/users?size={size}")).await;
        assert_eq!(asked(&console).1, 50, "{size}");
    }
}

#[tokio::test]
async fn a_list_that_is_there_as_a_whole_has_a_last_page_too() {
    let console = many();
    let shown = |page: &Said| {
        let names = page.text.split(">Resource ").skip(1);
        names
            .map(|rest| rest.split('<').next().unwrap().parse().unwrap())
            .collect::<Vec<u32>>()
    };
    let page = console.get("/resources?size=5").await;
    assert_eq!(shown(&page), [1, 2, 3, 4, 5]);
    assert!(page.text.contains("Page 1 of 3"));
    assert_eq!(
        (step(&page, "first"), step(&page, "prev")),
        (String::new(), String::new())
    );
    let last = step(&page, "last");
    let page = console.get(&step(&page, "next")).await;
    assert_eq!(shown(&page), [6, 7, 8, 9, 10]);
    assert_eq!(step(&page, "prev"), "/resources?size=5");
    let page = console.get(&last).await;
    assert_eq!(shown(&page), [11, 12]);
    assert_eq!(
        (step(&page, "next"), step(&page, "last")),
        (String::new(), String::new())
    );
    assert_eq!(shown(&console.get("/resources?size=5&page=99").await), [11, 12]);
    assert_eq!(shown(&console.get("/resources").await).len(), 12);
    assert!(!console.get("/resources").await.text.contains("Page 1"));
}

#[tokio::test]
async fn a_short_list_has_no_ways() {
    let console = Console::new(Says::default());
    for list in ["/users", "/tokens", "/resources", "/radius", "/messages"] {
        assert!(
            !console.get(list).await.text.contains("class=\"pager\""),
            "{list}"
        );
    }
}
