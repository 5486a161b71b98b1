//! What the pages offer to those who may not do everything.

use otpost_ipc::FaultCode;

use super::{Console, Says};

fn limited(role: &'static str) -> Console {
    Console::new(Says {
        role,
        beyond: true,
        ..Says::default()
    })
}

#[tokio::test]
async fn nothing_is_offered_that_reaches_further_than_the_scope() {
    for role in ["helpdesk", "admin"] {
        let console = limited(role);
        let page = console.get("/users/alice").await.text;
        assert!(
            page.contains("This user belongs to other resources too"),
            "{page}"
        );
        for hidden in [
            "/do/bypass",
            "/do/one-day-code",
            "/do/recovery",
            "/do/password",
            "/do/profile",
            "/do/delete",
            "/tokens/t1",
            "value=\"unlock\"",
            "href=\"/settings\"",
            "href=\"/providers\"",
        ] {
            assert!(!page.contains(hidden), "{hidden} for {role}");
        }
        for shown in ["/do/lock", "/do/enrol", "/do/invite"] {
            assert!(page.contains(shown), "{shown} for {role}");
        }
        for shown in ["/do/bind", "/do/unbind", "/do/token"] {
            assert_eq!(page.contains(shown), role == "admin", "{shown} for {role}");
        }
        let token = console.get("/users/alice/tokens/t1").await.text;
        assert!(
            !token.contains("class=\"save\"") && !token.contains("/remove"),
            "{token}"
        );
    }
}

#[tokio::test]
async fn forms_that_would_be_refused_are_not_there() {
    let everybody = [
        "/add/administrator",
        "/add/key",
        "/settings/mail/test",
        "/settings/keys/sync/remove",
    ];
    let reaching = [
        "/add/resource",
        "/add/provider",
        "/add/source",
        "/import",
        "/users/alice/do/bypass",
        "/users/alice/do/one-day-code",
        "/users/alice/do/recovery",
        "/users/alice/do/password",
        "/users/alice/do/profile",
        "/users/alice/do/delete",
        "/users/alice/tokens/t1/remove",
    ];
    let changing = [
        "/add/user",
        "/add/radius",
        "/users/alice/do/bind",
        "/users/alice/do/token",
        "/users/alice/do/unbind?resource=Hafenwerk%20VPN",
        "/resources/Hafenwerk%20VPN/remove",
    ];
    for role in ["helpdesk", "admin"] {
        let console = limited(role);
        for path in everybody.iter().chain(&reaching) {
            assert_eq!(console.get(path).await.status, 403, "{path} for {role}");
        }
        let status = if role == "admin" { 200 } else { 403 };
        for path in changing {
            assert_eq!(console.get(path).await.status, status, "{path} for {role}");
        }
    }
    // Who administers everything has all of them.
    let console = Console::new(Says::default());
    for path in everybody.iter().chain(&reaching).chain(&changing) {
        assert_eq!(console.get(path).await.status, 200, "{path}");
    }
}

#[tokio::test]
async fn what_somebody_names_outside_of_the_scope_is_a_mistake_of_the_form() {
    let console = limited("admin");
    let said = console.post("/add/user", &[("login", "bob")]).await;
    assert_eq!(said.status, 422);
    assert!(
        said.text
            .contains("<a href=\"#resources\">Choose a resource.</a>"),
        "{}",
        said.text
    );
    let said = console
        .post("/users/alice/do/token", &[("phone", "+49 171 2345678")])
        .await;
    assert_eq!(said.status, 422);
    assert!(said.text.contains("<a href=\"#resources\">"), "{}", said.text);
    let console = Console::new(Says {
        role: "admin",
        beyond: true,
        fault: Some((
            FaultCode::Forbidden,
            "this is not there, or not among the resources that you administer",
        )),
        ..Says::default()
    });
    let said = console
        .post("/resources/Hafenwerk%20VPN/users", &[("login", "stranger")])
        .await;
    assert_eq!(said.status, 422);
    assert!(
        said.text.contains("<a href=\"#login\">That is not there, or not"),
        "{}",
        said.text
    );
}
