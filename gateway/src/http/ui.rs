//! The pages: embedded files, the single-page application's start, help pages of problems.

use axum::extract::{RawPathParams, Request};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use dashboards::Asset;

use super::answer::{either, is_known, typed};
use super::front::text;
use super::problem::{Problem, ProblemType};
use crate::words::{self, Language};

const IMMUTABLE: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
const ASK_AGAIN: HeaderValue = HeaderValue::from_static("no-cache");
const HTML: HeaderValue = HeaderValue::from_static("text/html; charset=utf-8");

const SVG: HeaderValue = HeaderValue::from_static("image/svg+xml");
const TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");

/// Search engines may show the pages; asking the API for everything helps nobody.
const ROBOTS: &[u8] = b"User-agent: *\nDisallow: /api/\n";

/// Returns a name of this build: it changes with the pages.
#[must_use]
pub fn build() -> &'static str {
    dashboards::index().etag.trim_matches('"')
}

/// Answers what no route took: a file of the pages, else their start page to a browser that asks
/// for a page, else `not-found`.
pub(super) async fn fallback(request: Request) -> Result<Response, Problem> {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return Err(Problem::not_found());
    }
    let path = request.uri().path();
    if let Some(asset) = dashboards::asset(path) {
        return Ok(answer(asset, request.headers()));
    }
    match path {
        "/robots.txt" => return Ok(typed(TEXT, Bytes::from_static(ROBOTS))),
        "/favicon.ico" => return Ok(typed(SVG, Bytes::from_static(dashboards::ICON))),
        _ => {}
    }
    let is_outside = path.starts_with("/api/") || path.starts_with("/assets/");
    if !is_outside && wants_page(path, request.headers()) {
        return Ok(answer(dashboards::index(), request.headers()));
    }
    Err(Problem::not_found())
}

/// A browser names HTML and gets the start page, whose own words say that there is no such page. A
/// program that takes anything gets it where a page can be, not for a file that is not there.
fn wants_page(path: &str, headers: &HeaderMap) -> bool {
    let accept = text(headers, &header::ACCEPT).unwrap_or("*/*");
    let last = path.rsplit('/').next().unwrap_or_default();
    accept.contains("text/html") || (accept.contains("*/*") && !last.contains('.'))
}

fn answer(asset: Asset, headers: &HeaderMap) -> Response {
    let mut response = if is_known(headers, asset.etag) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        let kind = HeaderValue::from_static(asset.content_type);
        let plain = Bytes::from_static(asset.bytes);
        either(headers, kind, plain, asset.gzip.map(Bytes::from_static))
    };
    let is_immutable = asset.immutable;
    let kept = if is_immutable { IMMUTABLE } else { ASK_AGAIN };
    let own: [(HeaderName, HeaderValue); 3] = [
        (header::ETAG, HeaderValue::from_static(asset.etag)),
        (header::CACHE_CONTROL, kept),
        (header::VARY, HeaderValue::from_static("accept-encoding")),
    ];
    response.headers_mut().extend(own);
    response
}

/// Returns the help page of a problem type, Chinese and English.
pub(super) async fn problem_page(params: RawPathParams) -> Result<Response, Problem> {
    let slug = params.iter().find(|(name, _)| *name == "slug");
    let kind = slug.and_then(|(_, slug)| ProblemType::parse(slug));
    let kind = kind.ok_or_else(Problem::not_found)?;
    let words = words::problem(kind);
    let part = |language: Language| {
        format!(
            "<section lang=\"{}\"><h1>{}</h1><p>{}</p></section>",
            language.tag(),
            words.title.text(language),
            words.help.text(language)
        )
    };
    let page = format!(
        "<!doctype html><html lang=\"zh\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\"><title>{}</title></head>\
         <body>{}{}<p><code>{} {}</code></p></body></html>",
        words.title.text(Language::Zh),
        part(Language::Zh),
        part(Language::En),
        kind.status().as_u16(),
        kind.slug()
    );
    Ok(typed(HTML, page.into()))
}
