//! Stylesheet, scripts and pictures: in the program, named by their content, kept by browsers for ever.

use std::{io::Write, sync::LazyLock};

use axum::{
    body::Bytes,
    extract::Path,
    http::{HeaderMap, HeaderValue, header},
    response::{IntoResponse, Response},
};
use flate2::{Compression, write::GzEncoder};
use sha2::{Digest, Sha256};

use super::PageError;

/// The name changes with the content.
pub(crate) const FOREVER: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");

struct Asset {
    name: &'static str,
    path: String,
    kind: HeaderValue,
    plain: Bytes,
    gzip: Bytes,
}

macro_rules! assets {
    ($($name:literal = $file:literal),* $(,)?) => {
        [$(Asset::new($name, include_bytes!(concat!("../../assets/", $file)))),*]
    };
}

static ASSETS: LazyLock<[Asset; 5]> = LazyLock::new(|| {
    assets![
        "otpost.css" = "otpost.css",
        "app.js" = "app.js",
        "htmx.js" = "vendor/htmx.min.js",
        "hx-csp.js" = "vendor/hx-csp.min.js",
        "icon.svg" = "icon.svg",
    ]
});

impl Asset {
    fn new(name: &'static str, content: &'static [u8]) -> Self {
        let (stem, extension) = name.rsplit_once('.').unwrap_or((name, ""));
        let hash = data_encoding::HEXLOWER.encode(&Sha256::digest(content));
        let short: String = hash.chars().take(16).collect();
        let kind = match extension {
            "css" => "text/css; charset=utf-8",
            "js" => "text/javascript; charset=utf-8",
            _ => "image/svg+xml",
        };
        Self {
            name,
            path: format!("/assets/{stem}.{short}.{extension}"),
            kind: HeaderValue::from_static(kind),
            plain: Bytes::from_static(content),
            gzip: compressed(content),
        }
    }
}

/// Empty where compression failed, which memory cannot.
fn compressed(content: &[u8]) -> Bytes {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    let written = encoder.write_all(content).and_then(|()| encoder.finish());
    written.map(Bytes::from).unwrap_or_default()
}

/// Where a page finds the asset `name`; the name itself, which is not served, where there is none.
#[must_use]
pub fn asset_path(name: &str) -> &str {
    (ASSETS.iter())
        .find(|asset| asset.name == name)
        .map_or(name, |asset| asset.path.as_str())
}

/// Compressed octets of all assets together: what a first page costs beside its HTML.
#[must_use]
pub fn first_page_octets() -> usize {
    ASSETS.iter().map(|asset| asset.gzip.len()).sum()
}

/// `/assets/NAME.HASH.EXT`
pub(crate) async fn serve(Path(name): Path<String>, headers: HeaderMap) -> Result<Response, PageError> {
    (ASSETS.iter())
        .find(|asset| asset.path.strip_prefix("/assets/") == Some(name.as_str()))
        .map(|asset| respond(asset, &headers))
        .ok_or(PageError::NotFound)
}

/// Browsers ask for it whatever the pages say.
pub(crate) async fn favicon(headers: HeaderMap) -> Result<Response, PageError> {
    let asset = ASSETS.iter().find(|asset| asset.name == "icon.svg");
    let mut response = asset
        .map(|asset| respond(asset, &headers))
        .ok_or(PageError::NotFound)?;
    let day = HeaderValue::from_static("public, max-age=86400");
    response.headers_mut().insert(header::CACHE_CONTROL, day);
    Ok(response)
}

fn respond(asset: &Asset, headers: &HeaderMap) -> Response {
    let fixed = [
        (header::CONTENT_TYPE, asset.kind.clone()),
        (header::CACHE_CONTROL, FOREVER),
        (header::VARY, HeaderValue::from_static("accept-encoding")),
    ];
    if accepts_gzip(headers) && !asset.gzip.is_empty() {
        let encoding = [(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"))];
        return (fixed, encoding, asset.gzip.clone()).into_response();
    }
    (fixed, asset.plain.clone()).into_response()
}

fn accepts_gzip(headers: &HeaderMap) -> bool {
    let accepted = headers
        .get(header::ACCEPT_ENCODING)
        .and_then(|value| value.to_str().ok());
    accepted.unwrap_or_default().split(',').any(|part| {
        let (coding, weight) = part.split_once(';').unwrap_or((part, ""));
        let none = weight
            .trim()
            .strip_prefix("q=")
            .and_then(|q| q.parse::<f32>().ok())
            == Some(0.0);
        coding.trim().eq_ignore_ascii_case("gzip") && !none
    })
}
