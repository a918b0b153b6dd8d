import type { Rating } from "../api/types.ts";
import { Icon } from "../design/icons.tsx";

const STARS = [1, 2, 3, 4, 5];

export function ratingText(value: number, form: Rating["form"] = "stars"): string {
  if (form === "thumbs") return value >= 3 ? "Thumbs up" : "Thumbs down";
  return `${value} of 5`;
}

/** A rating as a picture and in words: neither colour nor shape has to be told apart. */
export function RatingMark({ rating }: { rating: Rating }) {
  const text = ratingText(rating.value, rating.form);
  if (rating.form === "thumbs") {
    const up = rating.value >= 3;
    return (
      <span className={up ? "rating up" : "rating down"}>
        <Icon name={up ? "thumbUp" : "thumbDown"} size={18} />
        {text}
      </span>
    );
  }
  return (
    <span className="rating">
      <span className="stars" aria-hidden="true">
        {STARS.map((star) => (
          <Icon key={star} name="star" size={16} className={star <= rating.value ? "full" : undefined} />
        ))}
      </span>
      {text}
    </span>
  );
}
