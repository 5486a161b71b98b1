//! otpost-portal: self-service and administration in the browser.
//!
//! Does: serves two sites on listeners of their own, [`Surface::SelfService`] for everybody and [`Surface::Console`]
//! for administrators: TLS, security headers, forms, languages, pages. Every decision is the daemon's: a request
//! becomes one message on portal.sock, its answer becomes a page.
//!
//! Deliberately absent: a store, keys, sessions (the cookie holds what the daemon minted), any decision on who may do
//! what, requests to other hosts, inline style or script.
//!
//! Entry points: [`run`] is the program; [`serve`] the server alone; [`Server`] where its addresses are wanted.
//!
//! # Adding a page
//!
//! 1. A template in `templates/`, beginning with `{% extends "self.html" %}` or `"console.html"` and
//!    `{% import "ui.html" as ui %}`, and a struct with `#[derive(Template)]` that has the field
//!    `f: `[`ui::SelfFrame`] or [`ui::ConsoleFrame`].
//! 2. A handler that takes [`web::Ctx`] and returns `Result<Response, PageError>`: [`ui::page`] renders the struct,
//!    `?` on [`Backend::call`] turns a failure into the right page.
//! 3. Its route in [`selfservice::routes`] or [`console::routes`].
//! 4. Its words in `locales/*/*.ftl`, in every language.
//!
//! A form is posted to the path of its own page, carries `{{ ui::csrf() }}`, and is read with [`web::Posted`], which
//! checks that token. With mistakes the handler returns the same page with status 422 ([`ui::page_with`]).
#![forbid(unsafe_code)]

pub mod api;
mod app;
pub mod backend;
mod cli;
pub mod console;
mod error;
pub mod i18n;
mod listen;
pub mod selfservice;
mod server;
mod sys;
mod tls;
pub mod ui;
pub mod web;

pub use app::{App, Site, Surface};
pub use backend::Backend;
pub use cli::run;
pub use error::ServeError;
pub use server::{Deps, Server, serve};
pub use web::PageError;
