package rest
import ("net/http";"github.com/danielgtaylor/huma/v2")
func registerDocs(mux *http.ServeMux, doc *huma.OpenAPI, o Options) {}
