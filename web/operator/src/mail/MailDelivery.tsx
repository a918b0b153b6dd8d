import { useQuery } from "@tanstack/react-query";
import { Link, useNumberParam } from "../app/router.tsx";
import { DeliveryView } from "../settings/DeliveryPage.tsx";
import { LoadFault, Loading, Page } from "../settings/parts.tsx";
import { mailDeliveries } from "./api.ts";
import { MailView } from "./MailView.tsx";
import { mailIn } from "./sent.ts";

const HOME = "/settings/mail/deliveries";
const BACK = { to: HOME, label: "Deliveries of mails" };

export default function MailDelivery() {
  const id = useNumberParam("id");
  const delivery = useQuery({
    queryKey: ["deliveries", "mail", "one", id],
    queryFn: () => mailDeliveries.get(id),
    refetchOnMount: "always",
    refetchInterval: (query) => (query.state.data?.state === "pending" ? 2000 : false),
  });
  if (delivery.data) {
    const sent = mailIn(delivery.data.request.body);
    return (
      <DeliveryView
        delivery={delivery.data}
        routes={mailDeliveries}
        home={HOME}
        back={BACK}
        receiver={
          sent ? (
            <span className="endpoint-url">To {sent.receiver}</span>
          ) : (
            <Link to="/settings/mail">E-mail</Link>
          )
        }
      >
        {sent && (
          <section className="stack">
            <h2>Mail</h2>
            <MailView mail={sent} name="The mail" />
            <p className="field-hint">What signs somebody in is left out here: it was in the mail.</p>
          </section>
        )}
      </DeliveryView>
    );
  }
  return (
    <Page title="Delivery" back={BACK}>
      {delivery.isError ? (
        <LoadFault error={delivery.error} onRetry={() => void delivery.refetch()} />
      ) : (
        <Loading rows={6} />
      )}
    </Page>
  );
}
