/** An output's call over several networks: its further legs, and how they share the work. */
import type { Config, Settings } from '../../api/types';
import type { WayDraft } from './way';
import { assign, numberValue, settings, text, typed, type Writer } from './write';

/** Legs besides that of `call`. */
export const FURTHER_LEGS_MAX = 7;

export interface LegDraft {
  call: string;
  /** Backup: the greatest carries the stream. */
  weight: string;
}

export interface BondingDraft {
  bonding: '' | 'broadcast' | 'backup';
  /** The weight of `call`. */
  weight: string;
  legs: LegDraft[];
}

export function bondingDraft(srt: Settings): BondingDraft {
  const bonding = settings(srt as Config, 'bonding');
  const legs = Array.isArray(bonding.legs) ? (bonding.legs as Settings[]) : [];
  return {
    bonding: bonding.mode === 'broadcast' || bonding.mode === 'backup' ? bonding.mode : '',
    weight: text(bonding.weight),
    legs: legs.map((leg) => ({ call: text(leg.call), weight: text(leg.weight) })),
  };
}

/** Only a call has legs; weights are for a backup group, and are left out of the other as the server wants it. */
export function writeBonding<Draft extends BondingDraft & WayDraft>(srt: Settings, draft: Draft, writer: Writer<Draft>): void {
  if (draft.way !== 'call' || draft.bonding === '') {
    if (writer.changed('way', 'bonding')) assign(srt, 'bonding', undefined);
    return;
  }
  if (!writer.changed('way', 'bonding', 'weight', 'legs')) return;
  const backup = draft.bonding === 'backup';
  const bonding: Settings = { ...settings(srt as Config, 'bonding'), mode: draft.bonding };
  assign(bonding, 'weight', backup ? numberValue(draft.weight) : undefined);
  if (!backup) delete bonding.min_stability;
  bonding.legs = draft.legs.filter((leg) => typed(leg.call)).map((leg) => {
    const weight = backup ? numberValue(leg.weight) : undefined;
    return { call: leg.call.trim(), ...(weight === undefined ? {} : { weight }) };
  });
  srt.bonding = bonding;
}
