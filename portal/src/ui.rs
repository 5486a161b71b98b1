//! What pages are made of: frames for the two layouts, and pieces that templates put together.
//!
//! Macros are in `templates/ui.html` (`{% import "ui.html" as ui %}`); they find the page's frame as `f`. Icons are
//! [`icon`], charts are [`Chart`] and [`Bars`].

mod chart;
mod frame;
mod icon;
mod moment;
mod pager;
mod qr;

use askama::Template;
use axum::{
    http::StatusCode,
    response::{Html, IntoResponse, Response},
};

pub use chart::{Bar, Bars, Chart, Kind, Series};
pub use frame::{Brand, ConsoleFrame, Crumb, Errors, Frame, Me, SelfFrame, Tab};
pub use icon::{Markup, icon};
pub use moment::Moment;
pub use pager::Pager;
pub use qr::{Qr, qr};

use crate::PageError;

/// A page.
///
/// # Errors
/// [`PageError::Internal`] where the template cannot be rendered.
pub fn page(template: &impl Template) -> Result<Response, PageError> {
    Ok(Html(template.render()?).into_response())
}

/// A page with another status: 422 for a form with mistakes, 409 for a step that is not open.
///
/// # Errors
/// [`PageError::Internal`] where the template cannot be rendered.
pub fn page_with(status: StatusCode, template: &impl Template) -> Result<Response, PageError> {
    let mut response = page(template)?;
    *response.status_mut() = status;
    Ok(response)
}

#[cfg(test)]
mod tests;
