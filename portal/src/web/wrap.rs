use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    panic::{AssertUnwindSafe, catch_unwind},
    pin::pin,
    sync::Arc,
    task::Poll,
    time::Duration,
};

use axum::{
    Router,
    extract::{ConnectInfo, DefaultBodyLimit, MatchedPath, Request, State},
    http::{HeaderValue, StatusCode, header},
    middleware::{Next, from_fn_with_state},
    response::Response,
};

use super::{Ctx, PageError, csrf, failure, headers, peer};
use crate::{App, Site, sys};

/// Octets of a body that are read. A route that takes files raises it with its own `DefaultBodyLimit`.
pub const BODY: usize = 64 * 1024;
/// Longest time a handler may take; the daemon answers, or is given up, well before.
const HANDLER: Duration = Duration::from_secs(30);

/// Puts everything around `router` that every request needs. The result wants the client's address as connect info.
pub fn wrap(router: Router<Arc<App>>, app: Arc<App>, site: Arc<Site>) -> Router {
    router
        .layer(DefaultBodyLimit::max(BODY))
        .layer(from_fn_with_state(site, around))
        .with_state(app)
}

async fn around(State(site): State<Arc<Site>>, request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    let connection = parts.extensions.get::<ConnectInfo<SocketAddr>>();
    let peer = connection.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |info| info.0.ip());
    let arrival = peer::arrival(&site, peer, &parts.headers);
    let Some(ctx) = Ctx::new(&site, arrival, &parts) else {
        tracing::error!("the operating system gives no randomness");
        return failure::status_only(StatusCode::SERVICE_UNAVAILABLE);
    };
    let refused = refusal(&site, &parts, arrival, &ctx);
    // The route, not the path: a path may hold the secret of a link.
    let route = parts.extensions.get::<MatchedPath>().cloned();
    let method = parts.method.clone();
    parts.extensions.insert(ctx.clone());
    let response = match refused {
        Some(error) => failure::page(&ctx, &error),
        None => served(&ctx, Request::from_parts(parts, body), next).await,
    };
    tracing::debug!(
        reference = ctx.reference(),
        surface = ctx.surface().name(),
        %method,
        route = route.as_ref().map_or("", MatchedPath::as_str),
        status = response.status().as_u16(),
        "answered"
    );
    finish(&ctx, response)
}

/// Why the request is not even looked at, if it is not.
fn refusal(
    site: &Site,
    parts: &axum::http::request::Parts,
    arrival: peer::Arrival,
    ctx: &Ctx,
) -> Option<PageError> {
    if !arrival.acceptable {
        return Some(PageError::PlainHttp);
    }
    let path = parts.uri.path();
    let cheap = path.starts_with("/assets/") || path.starts_with("/brand/");
    if !cheap && let Err(retry_after) = site.shed.admit(arrival.client) {
        return Some(PageError::TooMany { retry_after });
    }
    if !ctx.is_api() && !csrf::own_page(&parts.method, &parts.headers) {
        return Some(PageError::OtherSite);
    }
    None
}

/// The handler's answer, or a page that says why there is none.
async fn served(ctx: &Ctx, request: Request, next: Next) -> Response {
    let mut handler = pin!(next.run(request));
    let guarded = std::future::poll_fn(|context| {
        // A handler holds no lock across a page: what it leaves behind is dropped with it.
        match catch_unwind(AssertUnwindSafe(|| handler.as_mut().poll(context))) {
            Ok(Poll::Ready(response)) => Poll::Ready(Some(response)),
            Ok(Poll::Pending) => Poll::Pending,
            Err(_) => Poll::Ready(None),
        }
    });
    let response = match sys::limited(HANDLER, guarded).await {
        Some(Some(response)) => response,
        Some(None) => {
            tracing::error!(reference = ctx.reference(), "a handler panicked");
            return failure::page(ctx, &PageError::Internal);
        }
        None => return failure::page(ctx, &PageError::TimedOut),
    };
    if let Some(error) = response.extensions().get::<PageError>() {
        return with_headers_of(failure::page(ctx, error), &response);
    }
    let status = response.status();
    let bare = (status.is_client_error() || status.is_server_error()) && !has_page(&response);
    if bare {
        return with_headers_of(failure::page(ctx, &PageError::of(status)), &response);
    }
    response
}

/// Whether the handler made a page, or a document, for its failure.
fn has_page(response: &Response) -> bool {
    let kind = response.headers().get(header::CONTENT_TYPE);
    kind.and_then(|kind| kind.to_str().ok())
        .is_some_and(|kind| kind.starts_with("text/html") || kind.contains("json"))
}

/// The page, with what the handler wanted set all the same: cookies, and the methods of a 405.
fn with_headers_of(mut page: Response, failed: &Response) -> Response {
    for name in [header::SET_COOKIE, header::ALLOW] {
        for value in failed.headers().get_all(&name) {
            page.headers_mut().append(&name, value.clone());
        }
    }
    page
}

fn finish(ctx: &Ctx, mut response: Response) -> Response {
    let language = HeaderValue::from_static(ctx.texts().lang().html());
    let headers = response.headers_mut();
    headers::add(headers, ctx.nonce(), ctx.https(), ctx.reference());
    let page = headers
        .get(header::CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"));
    if page {
        headers.insert(header::CONTENT_LANGUAGE, language);
    }
    response
}
