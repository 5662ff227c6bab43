//! A small server over HTTP, with SQLite: it keeps what `cargo run --example chat` sends, and can read none of it.
//!
//! `sealroom-server DATABASE [ADDRESS [AUDIENCE]]` prints the URL that it listens at. TLS stands before it, or it stays
//! on this machine.

mod api;
mod guard;
mod store;

use std::error::Error;
use std::process::ExitCode;
use store::Store;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("sealroom-server: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let database = arguments.next().ok_or("sealroom-server DATABASE [ADDRESS [AUDIENCE]]")?;
    let address = arguments.next().unwrap_or_else(|| "127.0.0.1:0".into());
    // Never what a request says.
    let audience = arguments.next().unwrap_or_else(|| "chat.example".into());
    let router = api::router(Store::open(&database)?, audience);
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
        let listener = tokio::net::TcpListener::bind(address).await?;
        println!("http://{}", listener.local_addr()?);
        axum::serve(listener, router).await
    })?;
    Ok(())
}
