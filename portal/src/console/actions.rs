//! The Self-Service tab of a resource: Allowed Actions.

use askama::Template;
use axum::extract::Path;
use otpost_ipc::admin::{AdminOp, ResourceView, SelfServiceSettings};

use super::{
    desk::{Desk, Page, Sent, show},
    self_service::{frame, only, own},
    words::resource_path,
};
use crate::{
    i18n::Text,
    ui::{ConsoleFrame, Errors},
};

/// Actions on tokens: word, name, and a line below it.
const TOKEN: [(&str, &str, &str); 6] = [
    ("enroll", "c-act-enroll", "c-act-enroll-text"),
    ("reissue", "c-act-reissue", "c-act-reissue-text"),
    ("assign-existing", "c-act-assign", "c-act-assign-text"),
    ("unassign", "c-act-unassign", "c-act-unassign-text"),
    ("rename", "c-act-rename", ""),
    ("synchronise", "c-act-synchronise", "c-act-synchronise-text"),
];

/// Actions on one's own profile.
const USER: [(&str, &str, &str); 7] = [
    (
        "create-password",
        "c-act-create-password",
        "c-act-create-password-text",
    ),
    ("change-password", "c-act-change-password", ""),
    ("change-email", "c-act-change-email", "c-act-change-email-text"),
    ("change-phone", "c-act-change-phone", "c-act-change-phone-text"),
    ("change-login", "c-act-change-login", ""),
    ("change-names", "c-act-change-names", ""),
    ("manage-sessions", "c-act-manage-sessions", ""),
];

/// A switch of an action.
struct Act {
    word: &'static str,
    name: Text,
    text: Option<Text>,
    on: bool,
}

struct Group {
    id: &'static str,
    name: Text,
    all_name: Text,
    acts: Vec<Act>,
}

impl Group {
    fn count(&self) -> usize {
        self.acts.iter().filter(|act| act.on).count()
    }

    fn all(&self) -> bool {
        self.acts.iter().all(|act| act.on)
    }
}

#[derive(Template)]
#[template(path = "console/self_actions.html")]
struct ActionsPage {
    f: ConsoleFrame,
    may: bool,
    groups: Vec<Group>,
}

fn group(
    desk: &Desk,
    (id, name, all_name): (&'static str, &str, &str),
    acts: &'static [(&'static str, &'static str, &'static str)],
    on: &[String],
) -> Group {
    let every = on.iter().any(|word| word == "all");
    Group {
        id,
        name: desk.t(name),
        all_name: desk.t(all_name),
        acts: acts
            .iter()
            .map(|(word, name, text)| Act {
                word,
                name: desk.t(name),
                text: (!text.is_empty()).then(|| desk.t(text)),
                on: desk.typed.on(word, every || on.iter().any(|one| one == word)),
            })
            .collect(),
    }
}

fn actions_page(desk: &Desk, resource: &ResourceView, errors: Errors) -> Page {
    let on = own(resource).actions.unwrap_or_default();
    let page = ActionsPage {
        may: desk.changes(),
        groups: vec![
            group(desk, ("token", "c-group-token", "c-group-token-all"), &TOKEN, &on),
            group(desk, ("user", "c-user", "c-group-user-all"), &USER, &on),
        ],
        f: frame(desk, &resource.name, 1).with_errors(errors),
    };
    show(&page.f, &desk.typed, &page)
}

/// Self-Service, Allowed Actions.
pub(super) async fn actions(Path(name): Path<String>, desk: Desk) -> Page {
    let resource = desk.resource(&name).await?;
    actions_page(&desk, &resource, Errors::default())
}

/// What a group's switches say. With script the switch "All" moves the others; without, it decides where it was moved itself.
fn chosen<'a>(words: &[&'a str], on: impl Fn(&str) -> bool, (all, was): (bool, bool)) -> Vec<&'a str> {
    let each: Vec<&str> = words.iter().copied().filter(|word| on(word)).collect();
    match (all, was) {
        (true, false) => words.to_vec(),
        (false, true) if each.len() == words.len() => Vec::new(),
        _ => each,
    }
}

/// Changes of it.
pub(super) async fn set_actions(Path(name): Path<String>, sent: Sent) -> Page {
    let Sent { desk, form } = &sent;
    let mut actions: Vec<String> = Vec::new();
    for (id, was, acts) in [
        ("all-token", "was-all-token", TOKEN.as_slice()),
        ("all-user", "was-all-user", USER.as_slice()),
    ] {
        let words: Vec<&str> = acts.iter().map(|(word, ..)| *word).collect();
        let moved = (form.has(id), form.has(was));
        let on = chosen(&words, |word| form.has(word), moved);
        actions.extend(on.into_iter().map(str::to_owned));
    }
    let set = SelfServiceSettings {
        actions: Some(actions),
        ..SelfServiceSettings::default()
    };
    let op = AdminOp::ResourceSet {
        name: name.clone(),
        set: only(set),
    };
    match desk.attempt(op).await? {
        Ok(_) => desk.done(&format!("{}/self-service/actions", resource_path(&name)), "saved"),
        Err(fault) => {
            let resource = desk.resource(&name).await?;
            actions_page(desk, &resource, desk.refusal(&fault, &[], "enroll"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::chosen;

    #[test]
    fn the_switch_all_works_with_and_without_script() {
        let words = ["a", "b", "c"];
        let on = |ticked: &'static str, moved| chosen(&words, |word| ticked.contains(word), moved);
        assert_eq!(on("", (true, false)), words, "without script: all on");
        assert_eq!(
            on("abc", (true, false)),
            words,
            "with script: the others moved with it"
        );
        assert_eq!(on("abc", (false, true)), [""; 0], "without script: all off");
        assert_eq!(on("", (false, true)), [""; 0], "with script: all off");
        assert_eq!(
            on("ab", (true, true)),
            ["a", "b"],
            "without script: one off, the switch left alone"
        );
        assert_eq!(
            on("ab", (false, true)),
            ["a", "b"],
            "with script: one off moves the switch"
        );
        assert_eq!(on("a", (false, false)), ["a"]);
    }
}
