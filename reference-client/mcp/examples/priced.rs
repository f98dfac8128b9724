//! A server with a free tool and two that cost: `cargo run -p purser-mcp --example priced -- sandbox/merchant.toml`

use std::sync::atomic::{AtomicU64, Ordering};

use purser_mcp::priced::Priced;
use purser_merchant::Shop;
use rmcp::handler::server::common::schema_for_type;
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ErrorData, ListToolsResult, PaginatedRequestParams,
    ServerCapabilities, ServerConfig, Tool,
};
use rmcp::schemars::{self, JsonSchema};
use rmcp::service::RequestContext;
use rmcp::{RoleServer, ServerHandler, ServiceExt as _};
use serde_json::json;

#[derive(JsonSchema)]
#[expect(dead_code, reason = "its schema is what counts")]
struct About {
    /// What about.
    about: String,
}

/// Any server: it knows nothing of prices.
struct Oracle {
    asked: AtomicU64,
}

impl ServerHandler for Oracle {
    fn get_info(&self) -> ServerConfig {
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
    }

    async fn list_tools(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        let tool = |name, says| Tool::new(name, says, schema_for_type::<About>());
        Ok(ListToolsResult::with_all_items(vec![
            tool("hello", "Says hello."),
            tool("fortune", "Tells a fortune."),
            tool("prophecy", "Tells a greater one."),
        ]))
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let about = request.arguments.as_ref().and_then(|given| given.get("about")?.as_str()).unwrap_or("nothing");
        let count = self.asked.fetch_add(1, Ordering::Relaxed);
        Ok(CallToolResult::structured(json!({ "tool": request.name, "about": about, "asked_before": count })).into())
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let config = std::env::args().nth(1).unwrap_or_else(|| "sandbox/merchant.toml".to_owned());
    let shop = Shop::open(&config)?;
    let server = Priced::new(Oracle { asked: AtomicU64::new(0) }, "oracle.example")?
        .price("fortune", "1.00 CNY a call", shop.price("1.00 CNY", "fortune", "A fortune")?)?
        .price("prophecy", "9.00 CNY a call", shop.price("9.00 CNY", "prophecy", "A prophecy")?)?;
    server.serve(rmcp::transport::stdio()).await?.waiting().await?;
    Ok(())
}
