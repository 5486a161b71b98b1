//! Imports of users from a CSV file. The file is handed to the daemon in parts while it arrives; nothing of it is kept here.

use std::sync::Arc;

use axum::{
    body::{Body, HttpBody},
    extract::Path,
};
use otpost_ipc::{
    Secret,
    admin::{AdminOp, AdminReply},
};
use utoipa_axum::{router::OpenApiRouter, routes};
use zeroize::Zeroizing;

use super::{
    Answer, Api, Named,
    asked::{Apply, OneId, PlanQuery},
    gate::{Asked, Query},
    shown,
};
use crate::{App, PageError};

/// Most octets of a file: what the daemon takes.
const FILE: usize = 16 * 1024 * 1024;
/// Most octets of a part.
const PART: usize = 32 * 1024;
/// Most octets of a part as it travels, where quotes and line breaks are escaped.
const ESCAPED: usize = 56 * 1024;

pub(super) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(start_import))
        .routes(routes!(show_import))
        .routes(routes!(plan_import))
        .routes(routes!(apply_import))
}

/// Hand in a CSV file
///
/// The first line names the columns: `login,email,phone,first-name,last-name,resource,token`. Nothing is changed before
/// the import is applied. At most 16 MiB and 100,000 lines.
#[utoipa::path(post, path = "/imports", tag = "imports",
    request_body(content = String, content_type = "text/csv", description = "UTF-8 text",
        example = "login,first-name,email\nbruno,Bruno,bruno@example.com\n"),
    responses((status = 201, description = "The import", body = shown::Import)))]
async fn start_import(api: Api, body: Body) -> Answer {
    let mut parts = Parts::new(body);
    let mut import = None;
    loop {
        let part = parts.next().await?;
        let last = part.last;
        let op = AdminOp::ImportPut {
            import: import.clone(),
            text: part.text,
            last,
        };
        if last {
            return api.made(op, "imports", Named::By("/import")).await;
        }
        let AdminReply::Import(state) = api.ask(op).await? else {
            return Err(PageError::Internal);
        };
        import = Some(state.import);
    }
}

/// How far an import is
#[utoipa::path(get, path = "/imports/{id}", tag = "imports", params(OneId),
    responses((status = 200, description = "The import", body = shown::Import)))]
async fn show_import(api: Api, Path(import): Path<String>) -> Answer {
    api.answer(AdminOp::ImportShow { import }).await
}

/// What an import would do, line by line
#[utoipa::path(get, path = "/imports/{id}/plan", tag = "imports", params(OneId, PlanQuery),
    responses((status = 200, description = "Lines", body = shown::ImportPlan)))]
async fn plan_import(api: Api, Path(import): Path<String>, Query(query): Query<PlanQuery>) -> Answer {
    api.answer(AdminOp::ImportPlan {
        import,
        after: query.after.unwrap_or_default(),
        only: query.only,
    })
    .await
}

/// Carry an import out
///
/// In the background: ask how far it is.
#[utoipa::path(post, path = "/imports/{id}/apply", tag = "imports", params(OneId), request_body = Apply,
    responses((status = 202, description = "The import", body = shown::Import)))]
async fn apply_import(api: Api, Path(import): Path<String>, Asked(apply): Asked<Apply>) -> Answer {
    let atomic = apply.atomic;
    let mut response = api.answer(AdminOp::ImportApply { import, atomic }).await?;
    *response.status_mut() = axum::http::StatusCode::ACCEPTED;
    Ok(response)
}

/// A part of a file.
struct Part {
    text: Secret,
    last: bool,
}

/// Cuts a body into parts of whole characters.
struct Parts {
    body: Body,
    /// What has arrived and was not handed out.
    held: Zeroizing<Vec<u8>>,
    arrived: usize,
    ended: bool,
}

impl Parts {
    fn new(body: Body) -> Self {
        Self {
            body,
            held: Zeroizing::new(Vec::new()),
            arrived: 0,
            ended: false,
        }
    }

    async fn next(&mut self) -> Result<Part, PageError> {
        while !self.ended && self.held.len() < PART {
            let frame =
                std::future::poll_fn(|context| std::pin::Pin::new(&mut self.body).poll_frame(context)).await;
            match frame {
                None => self.ended = true,
                Some(Err(_)) => return Err(PageError::BadRequest),
                Some(Ok(frame)) => {
                    let octets = frame.into_data().unwrap_or_default();
                    self.arrived = self.arrived.saturating_add(octets.len());
                    if self.arrived > FILE {
                        return Err(PageError::TooLarge);
                    }
                    self.held.extend_from_slice(&octets);
                }
            }
        }
        let text = match std::str::from_utf8(&self.held) {
            Ok(text) => text,
            // The last character may not be there in full yet.
            Err(error) if error.error_len().is_none() && !self.ended => self
                .held
                .get(..error.valid_up_to())
                .and_then(|whole| std::str::from_utf8(whole).ok())
                .unwrap_or_default(),
            Err(_) => {
                return Err(PageError::Misfit(
                    "the file is no UTF-8 text; save it as CSV UTF-8".to_owned(),
                ));
            }
        };
        let end = fitting(text);
        let last = self.ended && end == self.held.len();
        let part = Part {
            text: Secret::from(text.get(..end).unwrap_or_default()),
            last,
        };
        let rest = Zeroizing::new(self.held.get(end..).unwrap_or_default().to_vec());
        self.held = rest;
        Ok(part)
    }
}

/// Where to cut `text` so that it fits a message.
fn fitting(text: &str) -> usize {
    let mut escaped: usize = 0;
    for (at, c) in text.char_indices() {
        escaped = escaped.saturating_add(match c {
            '"' | '\\' | '\n' | '\r' | '\t' => 2,
            c if c.is_ascii_control() => 6,
            c => c.len_utf8(),
        });
        if escaped > ESCAPED || at.saturating_add(c.len_utf8()) > PART {
            return at;
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn parts(octets: Vec<u8>) -> Result<Vec<String>, PageError> {
        let mut parts = Parts::new(Body::from(octets));
        let mut texts = Vec::new();
        loop {
            let part = parts.next().await?;
            texts.push(part.text.expose().to_owned());
            if part.last {
                return Ok(texts);
            }
        }
    }

    #[tokio::test]
    async fn a_file_is_cut_between_characters_and_nothing_is_lost() {
        for text in [
            String::new(),
            "login\nalice\n".to_owned(),
            "ü".repeat(PART),
            format!("a{}", "€".repeat(50_000)),
            "\"\n".repeat(PART),
            "\u{1}".repeat(PART),
        ] {
            let parts = parts(text.clone().into_bytes()).await.unwrap();
            assert!(parts.concat() == text);
            for part in &parts {
                assert!(part.len() <= PART);
                assert!(serde_json::to_string(part).unwrap().len() <= ESCAPED + 2);
            }
        }
    }

    #[tokio::test]
    async fn what_is_no_text_or_too_much_is_refused() {
        let latin = parts(b"login\nM\xfcller".to_vec()).await;
        assert!(matches!(latin, Err(PageError::Misfit(_))));
        let half = parts("ü".as_bytes()[..1].to_vec()).await;
        assert!(matches!(half, Err(PageError::Misfit(_))));
        assert_eq!(parts(vec![b'a'; FILE + 1]).await, Err(PageError::TooLarge));
    }
}
