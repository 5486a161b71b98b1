//! What a browser loads for a first page, with an empty cache.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::bench::Outcome;
use crate::http::{Answer, Http};

/// What today's browsers accept.
const CODINGS: &str = "gzip, deflate, br, zstd";

/// A page and everything that it needs.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(in crate::bench) struct FirstPage {
    pub(in crate::bench) name: String,
    pub(in crate::bench) parts: Vec<Part>,
    /// Addresses on other hosts.
    pub(in crate::bench) elsewhere: Vec<String>,
}

/// One request of it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(in crate::bench) struct Part {
    pub(in crate::bench) path: String,
    /// `gzip`, `br`, or empty: as it is.
    pub(in crate::bench) coding: String,
    /// Octets of the body as they are transferred.
    pub(in crate::bench) body: usize,
    /// Octets of the answer's status line and headers.
    pub(in crate::bench) head: usize,
}

impl FirstPage {
    /// Octets of all bodies.
    pub(in crate::bench) fn bodies(&self) -> usize {
        self.parts.iter().map(|part| part.body).sum()
    }

    /// Octets of all heads.
    pub(in crate::bench) fn heads(&self) -> usize {
        self.parts.iter().map(|part| part.head).sum()
    }

    /// Octets of the bodies whose path ends with `extension`.
    pub(in crate::bench) fn of(&self, extension: &str) -> usize {
        (self.parts.iter())
            .filter(|part| part.path.ends_with(extension))
            .map(|part| part.body)
            .sum()
    }
}

/// Addresses in a page that a browser loads without being asked, each once.
pub(super) fn needs(html: &str) -> Vec<String> {
    let mut found = Vec::new();
    for tag in html.split('<').filter_map(|rest| rest.split('>').next()) {
        let name = tag.split([' ', '\n', '/']).next().unwrap_or_default();
        let attribute = match name {
            "link" => " href=\"",
            "script" | "img" | "iframe" | "source" | "video" | "audio" | "embed" => " src=\"",
            _ => continue,
        };
        let address = tag
            .split_once(attribute)
            .and_then(|(_, rest)| rest.split('"').next());
        if let Some(address) = address
            && !found.iter().any(|known| known == address)
        {
            found.push(address.to_owned());
        }
    }
    found
}

/// Addresses in a stylesheet that a browser loads.
fn in_style(css: &str) -> Vec<String> {
    let urls = css
        .split("url(")
        .skip(1)
        .filter_map(|rest| rest.split(')').next());
    let imports = css
        .split("@import \"")
        .skip(1)
        .filter_map(|rest| rest.split('"').next());
    (urls.chain(imports))
        .map(|address| address.trim_matches(['"', '\'', ' ']))
        .filter(|address| !address.starts_with("data:") && !address.starts_with('#'))
        .map(str::to_owned)
        .collect()
}

fn part(path: &str, answer: &Answer) -> Outcome<Part> {
    if answer.status != 200 {
        return Err(format!("{path}: status {}", answer.status).into());
    }
    let length = answer.header("content-length").parse();
    // "HTTP/1.1 200 OK", and an empty line at the end.
    let lines: usize = answer.headers.iter().map(|(n, v)| n.len() + v.len() + 4).sum();
    Ok(Part {
        path: path.to_owned(),
        coding: answer.header("content-encoding").to_owned(),
        body: length.map_err(|_| format!("{path}: an answer without a length"))?,
        head: lines + 19,
    })
}

/// Loads the page at `path` as a browser does that was never there.
pub(super) fn load(mut http: Http, name: &str, path: &str) -> Outcome<FirstPage> {
    let html = http.get(path).body;
    let mut wanted: Vec<String> = needs(&html);
    let styles: Vec<String> = (wanted.iter())
        .filter(|address| address.ends_with(".css") && local(address))
        .cloned()
        .collect();
    for style in styles {
        wanted.extend(in_style(&http.get(&style).body));
    }
    let (here, elsewhere): (BTreeSet<String>, BTreeSet<String>) =
        wanted.into_iter().partition(|address| local(address));
    http.further = vec![("Accept-Encoding", CODINGS.to_owned())];
    let mut parts = vec![part(path, &http.get(path))?];
    for address in here {
        parts.push(part(&address, &http.get(&address))?);
    }
    Ok(FirstPage {
        name: name.to_owned(),
        parts,
        elsewhere: elsewhere.into_iter().collect(),
    })
}

fn local(address: &str) -> bool {
    address.starts_with('/') && !address.starts_with("//")
}

#[cfg(test)]
mod tests {
    use super::{in_style, local, needs};

    #[test]
    fn what_a_page_needs_is_found_and_told_apart_by_host() {
        let html = "<link rel=\"icon\" href=\"/assets/icon.svg\"><link rel=\"stylesheet\" href=\"//cdn.example/a.css\">\n\
                    <script src=\"/assets/app.js\" defer></script><script src=\"/assets/app.js\"></script>\
                    <a href=\"/elsewhere\">x</a><img alt=\"\" src=\"https://other.example/x.png\">";
        let found = needs(html);
        assert_eq!(
            found,
            [
                "/assets/icon.svg",
                "//cdn.example/a.css",
                "/assets/app.js",
                "https://other.example/x.png"
            ]
        );
        let own: Vec<bool> = found.iter().map(|address| local(address)).collect();
        assert_eq!(own, [true, false, true, false]);
    }

    #[test]
    fn what_a_stylesheet_needs_is_found() {
        let css = "@import \"/more.css\"; a{background:url('/a.svg')} b{mask:url(data:image/svg+xml,x)} c{clip:url(#d)}";
        assert_eq!(in_style(css), ["/a.svg", "/more.css"]);
    }
}
