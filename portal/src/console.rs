//! The pages for administrators.

use std::sync::Arc;

use axum::Router;

use crate::App;

/// The routes of the console, beside those that both sites have.
pub fn routes() -> Router<Arc<App>> {
    Router::new()
}
